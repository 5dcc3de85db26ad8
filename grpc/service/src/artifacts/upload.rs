//! An upload to a file in `parts`.

use super::accounts::Claim;
use super::disk::Disk;
use super::{ArtifactError, Kept, Upload, digest};
use crate::crash;
use quarry_client::protocol::ArtifactRef;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

/// An upload in progress.
pub struct PartUpload {
    file: File,
    object: PathBuf,
    artifact: ArtifactRef,
    received: u64,
    claim: Claim,
    disk: Disk,
}

impl PartUpload {
    /// Opens the claimed file to continue at an offset. What it has after that is cut off.
    ///
    /// # Errors
    /// [`ArtifactError::Offset`], [`ArtifactError::Io`].
    pub fn begin(
        claim: Claim,
        object: PathBuf,
        artifact: ArtifactRef,
        offset: u64,
        disk: Disk,
    ) -> Result<Self, ArtifactError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&claim.part)?;
        let received = file.metadata()?.len();
        if offset > received {
            return Err(ArtifactError::Offset {
                sha256: artifact.sha256,
                offset,
                received,
            });
        }
        file.set_len(offset)?;
        claim.accounts.remove(&claim.folder, received - offset);
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file,
            object,
            artifact,
            received: offset,
            claim,
            disk,
        })
    }
}

impl Upload for PartUpload {
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError> {
        let bytes = chunk.len() as u64;
        let ArtifactRef { sha256, size } = &self.artifact;
        if self.received + bytes > *size {
            return Err(ArtifactError::TooLong {
                sha256: sha256.clone(),
                size: *size,
            });
        }
        // Nothing is reserved for an upload, so others may have filled the disk since it began.
        self.disk.check(bytes)?;
        if let Err(why) = self.file.write_all(chunk) {
            // A part of the chunk may have come to the disk. It is in no account.
            let _ = self.file.set_len(self.received);
            return Err(why.into());
        }
        self.received += bytes;
        self.claim.keep(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Kept, ArtifactError> {
        let ArtifactRef { sha256, size } = &self.artifact;
        if self.received < *size {
            return Ok(Kept {
                complete: false,
                received: self.received,
            });
        }
        let Claim {
            accounts,
            folder,
            part,
        } = &self.claim;
        self.file.seek(SeekFrom::Start(0))?;
        if digest(&mut self.file)?.sha256 != *sha256 {
            fs::remove_file(part)?;
            accounts.remove(folder, self.received);
            return Err(ArtifactError::Mismatch(sha256.clone()));
        }
        self.file.sync_all()?;
        crash::point("upload.before-rename");
        accounts.place(folder, part, &self.object, 0)?;
        crash::point("upload.after-rename");
        Ok(Kept {
            complete: true,
            received: self.received,
        })
    }
}
