//! Free space of the disk. Only what is free now counts, never what uploads may still send: a promise of one tenant
//! must not make the disk look full to others.

use super::ArtifactError;
use std::io;
use std::path::PathBuf;

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

    /// Refuses to write so many bytes if they do not fit now.
    pub fn check(&self, bytes: u64) -> Result<(), ArtifactError> {
        let free = self.free()?;
        let needed = bytes.saturating_add(self.watermark);
        if free < needed {
            return Err(ArtifactError::DiskFull { free, needed });
        }
        Ok(())
    }
}
