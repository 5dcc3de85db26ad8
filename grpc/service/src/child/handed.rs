//! Files that a process hands to the next one in the scratch folder of an attempt. Their digests tell damage on the way
//! from a wrong input.

use crate::artifacts::digest;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// SHA-256 of files, by name.
pub type Digests = HashMap<String, String>;

/// Why a file cannot be used. No message has the folder: it is of no use to the owner of the job.
#[derive(Debug, thiserror::Error)]
pub enum HandedError {
    /// The file cannot be read.
    #[error("{name}: {why}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        why: io::Error,
    },
    /// The file was changed.
    #[error("{name} is not as it was written: the disk may be damaged")]
    Changed {
        /// The file.
        name: String,
    },
}

/// The digests of files that were just written.
///
/// # Errors
/// If one cannot be read.
pub fn digests(folder: &Path, names: &[&str]) -> io::Result<Digests> {
    let of = |name: &&str| Ok(((*name).to_owned(), digest(File::open(folder.join(name))?)?.sha256));
    names.iter().map(of).collect()
}

/// Reads a file; `None` if no process handed one of this name.
///
/// # Errors
/// [`HandedError`].
pub fn read(folder: &Path, name: &str, digests: &Digests) -> Result<Option<Vec<u8>>, HandedError> {
    let Some(expected) = digests.get(name) else {
        return Ok(None);
    };
    let unreadable = unreadable(name);
    let bytes = fs::read(folder.join(name)).map_err(&unreadable)?;
    match digest(&*bytes).map_err(&unreadable)?.sha256 == *expected {
        true => Ok(Some(bytes)),
        false => Err(changed(name)),
    }
}

/// Compares all files with their digests.
///
/// # Errors
/// [`HandedError`], of one that is not as it was written.
pub fn check(folder: &Path, digests: &Digests) -> Result<(), HandedError> {
    for (name, expected) in digests {
        let found = File::open(folder.join(name)).and_then(digest);
        if found.map_err(unreadable(name))?.sha256 != *expected {
            return Err(changed(name));
        }
    }
    Ok(())
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> HandedError {
    move |why| HandedError::Unreadable {
        name: name.to_owned(),
        why,
    }
}

fn changed(name: &str) -> HandedError {
    HandedError::Changed {
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_lost_file_is_named_without_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.bin");
        fs::write(&path, "a trace").unwrap();
        let digests = digests(folder.path(), &["trace.bin"]).unwrap();
        check(folder.path(), &digests).unwrap();
        let read = |name| read(folder.path(), name, &digests);
        assert_eq!(read("trace.bin").unwrap().unwrap(), b"a trace");
        assert!(read("another").unwrap().is_none());

        fs::write(&path, "a TRACE").unwrap();
        let told = |lost: bool| {
            for error in [
                check(folder.path(), &digests).unwrap_err(),
                read("trace.bin").unwrap_err(),
            ] {
                assert_eq!(matches!(error, HandedError::Unreadable { .. }), lost, "{error}");
                let message = error.to_string();
                assert!(
                    message.contains("trace.bin") && !message.contains('/'),
                    "{message}"
                );
            }
        };
        told(false);
        fs::remove_file(&path).unwrap();
        told(true);
    }
}
