//! Output files, written atomically: whole or not at all.

use crate::cli::failure::Failure;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// Held while a file is written. The interrupt handler acquires it before it ends the process.
static WRITING: Mutex<()> = Mutex::new(());

/// Waits until no file is half-written; while the guard lives, no write can begin.
pub fn settle() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An output file that was checked to be writable.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    /// Set for a device or a pipe, which cannot be replaced. It stays open, as the reader of a pipe takes closing for
    /// the end of the file.
    stream: Option<File>,
}

impl Target {
    /// Checks, before the work, that the file can be written. Leaves no file behind.
    pub fn check(path: &Path) -> Result<Self, Failure> {
        let refuse = |why: io::Error| {
            let path = path.display();
            Failure::bad_input(format!(
                "cannot write '{path}': {why}; choose a file in an existing, writable folder"
            ))
        };
        if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(refuse(io::ErrorKind::IsADirectory.into()));
        }
        // Replace the target of a symbolic link, not the link.
        let path_behind = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let kind = path_behind.metadata().ok().map(|metadata| metadata.file_type());
        let open = || OpenOptions::new().append(true).open(&path_behind);
        let opened = kind.map(|_| open()).transpose().map_err(refuse)?;
        let target = Self {
            stream: opened.filter(|_| kind.is_some_and(|kind| !kind.is_file())),
            path: path_behind,
        };
        if target.stream.is_none() {
            target.temporary().map_err(refuse)?;
        }
        Ok(target)
    }

    /// The path that will be written, with symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a device or a pipe, which is written directly.
    pub fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Writes the content to a temporary file beside the target and renames it; a stream is written directly.
    pub fn write(&self, content: &[u8]) -> Result<(), Failure> {
        let result = match &self.stream {
            // No lock: an interrupt must not wait for a slow reader.
            Some(stream) => (&*stream).write_all(content),
            None => self.replace(content),
        };
        result.map_err(|why| Failure::bad_input(format!("cannot write '{}': {why}", self.path.display())))
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let _writing = settle();
        let mut file = self.temporary()?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    /// A new file beside the target, with the permissions that a plain new file gets; removed when dropped.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        beside(&self.path, 0o666, |builder, folder| builder.tempfile_in(folder))
    }
}

/// Makes something temporary in the folder of `path`. `mode` is what a plain new one is asked for; the process's mask
/// is taken off.
pub fn beside<T>(
    path: &Path,
    mode: u32,
    make: impl FnOnce(&tempfile::Builder<'_, '_>, &Path) -> io::Result<T>,
) -> io::Result<T> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quarry-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    make(&builder, folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proof.json");
        let target = Target::check(&path).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
        target.write(b"one").unwrap();
        Target::check(&path).unwrap().write(b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["proof.json"]);
    }

    #[test]
    fn what_cannot_be_written_is_said_before() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Target::check(folder.path()).is_err());
        assert!(Target::check(&folder.path().join("folder/")).is_err());
        assert!(Target::check(Path::new("")).is_err());
        let error = Target::check(&folder.path().join("no/such/folder")).unwrap_err();
        assert!(error.message.contains("no/such/folder"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Target::check(&link).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        Target::check(Path::new("/dev/null"))
            .unwrap()
            .write(b"x")
            .unwrap();
    }
}
