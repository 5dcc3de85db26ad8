//! A new folder with files, written atomically: whole or not at all.

use crate::cli::failure::Failure;
use crate::cli::output::{beside, settle};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that was checked to be new, in a writable folder.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
}

impl NewFolder {
    /// Checks, before the work, that the folder can be made. Leaves nothing behind. Nothing may exist there: to rename
    /// over an empty folder would take it from a shell that is in it, and change its permissions.
    pub fn check(path: &Path) -> Result<Self, Failure> {
        // Without a final slash or dot, which a name to rename to must not have.
        let this = Self {
            path: path.components().collect(),
        };
        match this.path.symlink_metadata() {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(this.cannot(&why)),
            Ok(_) => {
                let path = path.display();
                return Err(Failure::bad_input(format!(
                    "'{path}' exists already; choose a new folder"
                )));
            }
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
        beside(&self.path, 0o777, |builder, parent| builder.tempdir_in(parent))
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
        // A shell may write the name so.
        for name in ["slash/", "dot/."] {
            let path = folder.path().join(name);
            NewFolder::check(&path).unwrap().write(&files).unwrap();
            assert!(path.join("b").exists());
        }
    }

    #[test]
    fn what_cannot_be_made_is_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let [file, empty, link] = ["file", "empty", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "kept").unwrap();
        fs::create_dir(&empty).unwrap();
        // It leads nowhere.
        std::os::unix::fs::symlink("no", &link).unwrap();
        let refused = |path: &Path, says: &str| {
            let error = NewFolder::check(path).unwrap_err();
            assert!(error.message.contains(says), "{error}");
        };
        for taken in [&file, &empty, &link, &empty.join(".")] {
            refused(taken, "exists already; choose a new folder");
        }
        for bad in [file.join("new"), folder.path().join("no/such")] {
            refused(&bad, "cannot make folder");
        }
        assert_eq!(fs::read(&file).unwrap(), b"kept");
    }
}
