//! Files and folders: made, moved and linked durably.

use super::ArtifactError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Hard-links a file to another path, durably.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    make_folder(folder)?;
    fs::hard_link(from, to)?;
    File::open(folder)?.sync_all()
}

/// Creates a folder and its parents, durably, where missing.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        _ => {}
    }
    match above.as_os_str().is_empty() {
        true => Ok(()),
        false => File::open(above)?.sync_all(),
    }
}

/// Paths of a folder's entries; empty if the folder does not exist.
pub fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Path of a complete file.
pub fn object(objects: &Path, sha256: &str) -> Result<PathBuf, ArtifactError> {
    match sha256.get(..2) {
        Some(head) if is_digest(sha256) => Ok(objects.join(head).join(sha256)),
        _ => Err(ArtifactError::Digest(sha256.to_owned())),
    }
}

/// Whether this is a SHA-256 in lower-case hexadecimal.
pub fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// Length of a file; `None` if it does not exist.
pub fn length(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}
