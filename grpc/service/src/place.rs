//! Where a file or a folder lies that this process has open: what is written after its path leads elsewhere would be
//! lost with the process.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The place of an open file or folder. The caller keeps it open, so that no other one can get its inode.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

/// Why a path does not lead to what was opened there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing.
    #[error("'{}' was removed while it was in use: put it back, or stop the service", .0.display())]
    Removed(PathBuf),
    /// There is something else.
    #[error("'{}' was replaced while it was in use: put it back, or stop the service", .0.display())]
    Replaced(PathBuf),
    /// The file is shorter than it was.
    #[error("'{}' was cut while it was in use: stop the service and restore the file", .0.display())]
    Cut(PathBuf),
    /// The path cannot be looked at.
    #[error("'{}': {why}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl Place {
    /// The place of what was just opened.
    ///
    /// # Errors
    /// If the path cannot be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = path.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            identity: (found.dev(), found.ino()),
        })
    }

    /// Returns the length if the path still leads there.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn check(&self) -> Result<u64, PlaceError> {
        let path = self.path.clone();
        match self.path.metadata() {
            Ok(found) if (found.dev(), found.ino()) == self.identity => Ok(found.len()),
            Ok(_) => Err(PlaceError::Replaced(path)),
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(PlaceError::Removed(path))
            }
            Err(why) => Err(PlaceError::Io { path, why }),
        }
    }

    /// [`Place::check`] of a file that had this length.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn check_length(&self, least: u64) -> Result<(), PlaceError> {
        match self.check()? < least {
            true => Err(PlaceError::Cut(self.path.clone())),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_place_is_lost_until_the_same_file_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let [path, away] = ["file", "away"].map(|name| folder.path().join(name));
        fs::write(&path, "1234").unwrap();
        let place = Place::of(&path).unwrap();
        place.check_length(4).unwrap();
        fs::rename(&path, &away).unwrap();
        assert!(matches!(place.check(), Err(PlaceError::Removed(_))));
        fs::copy(&away, &path).unwrap();
        assert!(matches!(place.check(), Err(PlaceError::Replaced(_))));
        fs::rename(&away, &path).unwrap();
        place.check_length(4).unwrap();
        fs::write(&path, "123").unwrap();
        assert!(matches!(place.check_length(4), Err(PlaceError::Cut(_))));
    }
}
