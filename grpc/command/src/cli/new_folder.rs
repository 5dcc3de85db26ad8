//! A new folder with files, written atomically: whole or not at all.

use crate::cli::failure::Failure;
use crate::cli::output::settle;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that was checked to be free and writable.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
}

impl NewFolder {
    /// Checks, before the work, that the folder can be made. Leaves nothing behind. Only an empty folder may exist.
    pub fn check(path: &Path) -> Result<Self, Failure> {
        let this = Self {
            path: path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        };
        let is_taken = match fs::read_dir(&this.path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(why) => why.kind() != io::ErrorKind::NotFound,
        };
        if is_taken {
            let path = path.display();
            return Err(Failure::bad_input(format!(
                "'{path}' exists already; choose a new or an empty folder"
            )));
        }
        this.temporary().map_err(|why| this.cannot(&why))?;
        Ok(this)
    }

    /// Writes the files to a temporary folder beside it and renames that.
    pub fn write(&self, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
        self.replace(files).map_err(|why| self.cannot(&why))
    }

    fn cannot(&self, why: &io::Error) -> Failure {
        let path = self.path.display();
        Failure::bad_input(format!(
            "cannot make folder '{path}': {why}; choose one in an existing, writable folder"
        ))
    }

    fn replace(&self, files: &[(String, Vec<u8>)]) -> io::Result<()> {
        let _writing = settle();
        let folder = self.temporary()?;
        for (name, content) in files {
            let mut file = File::create_new(folder.path().join(name))?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        fs::rename(folder.path(), &self.path)?;
        // It is no longer where it would be removed.
        let _ = folder.keep();
        Ok(())
    }

    /// A new folder beside the target, with the permissions that a plain new folder gets; removed when dropped.
    fn temporary(&self) -> io::Result<TempDir> {
        let parent = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".quarry-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        builder.tempdir_in(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let files = [("a".to_owned(), b"1".to_vec()), ("b".to_owned(), Vec::new())];
        let target = NewFolder::check(&path).unwrap();
        assert!(!path.exists());
        target.write(&files).unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"1");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // Now it is taken, also for who checked it before.
        assert!(NewFolder::check(&path).is_err());
        assert!(target.write(&files[..1]).is_err());
        assert!(path.join("b").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // An empty folder is as good as none.
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        NewFolder::check(&empty).unwrap().write(&files).unwrap();
        assert!(empty.join("b").exists());
    }

    #[test]
    fn what_cannot_be_made_is_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "kept").unwrap();
        for bad in [file.clone(), file.join("new"), folder.path().join("no/such")] {
            let error = NewFolder::check(&bad).unwrap_err();
            assert!(error.message.contains("choose"), "{error}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"kept");
    }
}
