//! Free space of the disk. Only what is free now counts, never what uploads may still send: a promise of one tenant
//! must not make the disk look full to others.

use super::ArtifactError;
use std::io;
use std::path::{Path, PathBuf};

/// Size of an upload of ordinary size. If not even that fits, the disk is short.
pub const ORDINARY_UPLOAD_BYTES: u64 = 16 << 20;

/// Size of a folder's disk in bytes.
///
/// # Errors
/// [`io::Error`].
pub fn size(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_blocks.saturating_mul(disk.f_frsize))
}

/// The disk of the artifacts.
#[derive(Clone)]
pub struct Disk {
    /// A folder on it.
    pub folder: PathBuf,
    /// Free space that uploads leave, in bytes.
    pub watermark: u64,
}

impl Disk {
    /// Free space in bytes.
    pub fn free(&self) -> Result<u64, ArtifactError> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether an upload of ordinary size does not fit now.
    pub fn is_short(&self) -> Result<bool, ArtifactError> {
        Ok(self.free()? < self.watermark.saturating_add(ORDINARY_UPLOAD_BYTES))
    }

    /// Refuses to write so many bytes if they do not fit now.
    pub fn check(&self, bytes: u64) -> Result<(), ArtifactError> {
        let free = self.free()?;
        let needed = bytes.saturating_add(self.watermark);
        if free < needed {
            return Err(ArtifactError::DiskFull { free, needed });
        }
        Ok(())
    }

    /// Refuses a tenant's uploads that would not fit even if no other tenant wrote anything.
    pub fn check_promise(&self, promised: u64) -> Result<(), ArtifactError> {
        let free = self.free()?.saturating_sub(self.watermark);
        match promised > free {
            true => Err(ArtifactError::NoRoom { promised, free }),
            false => Ok(()),
        }
    }
}
