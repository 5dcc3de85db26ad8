//! An upload to a file in `parts`.

use super::accounts::Claim;
use super::disk::Disk;
use super::files::length;
use super::{ArtifactError, Kept, Upload, digest};
use crate::crash;
use quarry_client::protocol::ArtifactRef;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An upload in progress.
pub struct PartUpload {
    /// The claimed file; `None` until its first byte comes.
    file: Option<File>,
    object: PathBuf,
    artifact: ArtifactRef,
    received: u64,
    claim: Claim,
    disk: Disk,
}

impl PartUpload {
    /// Opens the claimed file to continue at an offset. What it has after that is cut off; a file that begins anew is
    /// made with its first byte.
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
        let found = length(&claim.part)?;
        let received = found.unwrap_or_default();
        if offset > received {
            return Err(ArtifactError::Offset {
                sha256: artifact.sha256,
                offset,
                received,
            });
        }
        let file = match (found, offset) {
            (None, _) => None,
            (Some(_), 0) => {
                fs::remove_file(&claim.part)?;
                claim.remove(received);
                None
            }
            (Some(_), _) => {
                let mut file = open(&claim.part)?;
                file.set_len(offset)?;
                claim.cut(received, offset);
                file.seek(SeekFrom::Start(offset))?;
                Some(file)
            }
        };
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

/// Opens a part, or makes it.
fn open(part: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(part)
}

impl Upload for PartUpload {
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError> {
        if chunk.is_empty() {
            return Ok(());
        }
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
        let before = self.file.is_some().then_some(self.received);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.claim.part)?),
        };
        if let Err(why) = file.write_all(chunk) {
            // A part of the chunk may have come to the disk. It is in no account.
            let _ = match before {
                Some(length) => file.set_len(length),
                None => fs::remove_file(&self.claim.part),
            };
            return Err(why.into());
        }
        self.received += bytes;
        self.claim.keep(before, self.received);
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
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = open(part)?;
                self.claim.keep(None, 0);
                file
            }
        };
        file.seek(SeekFrom::Start(0))?;
        if digest(&mut file)?.sha256 != *sha256 {
            fs::remove_file(part)?;
            self.claim.remove(self.received);
            return Err(ArtifactError::Mismatch(sha256.clone()));
        }
        file.sync_all()?;
        crash::point("upload.before-rename");
        accounts.place(folder, part, &self.object, None)?;
        crash::point("upload.after-rename");
        Ok(Kept {
            complete: true,
            received: self.received,
        })
    }
}
