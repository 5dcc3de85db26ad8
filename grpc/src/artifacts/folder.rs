//! Artifacts in a folder: `objects/ab/abcd..` are whole, `parts/abcd..` are being uploaded.

use super::{ArtifactError, Artifacts, Kept, Upload, digest};
use crate::crash;
use crate::protocol::ArtifactRef;
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Files in a folder.
pub struct ArtifactFolder {
    objects: PathBuf,
    parts: PathBuf,
    /// Bytes of the disk that uploads leave free.
    watermark: u64,
    /// Largest artifact in bytes.
    most: u64,
    uploading: Arc<Mutex<HashSet<String>>>,
}

/// A file's claim to be uploaded by one client alone.
struct Claim {
    sha256: String,
    uploading: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.uploading).remove(&self.sha256);
    }
}

fn lock(claims: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    claims.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtifactFolder {
    /// Opens a folder, and makes it if there is none. Uploads leave `watermark` bytes of its disk free, and may have `most`
    /// bytes.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(folder: &Path, watermark: u64, most: u64) -> Result<Self, ArtifactError> {
        let [objects, parts] = ["objects", "parts"].map(|name| folder.join(name));
        fs::create_dir_all(&objects)?;
        fs::create_dir_all(&parts)?;
        Ok(Self {
            objects,
            parts,
            watermark,
            most,
            uploading: Arc::default(),
        })
    }

    fn object(&self, sha256: &str) -> Result<PathBuf, ArtifactError> {
        let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        match sha256.get(..2) {
            Some(head) if sha256.len() == 64 && sha256.chars().all(is_hex) => {
                Ok(self.objects.join(head).join(sha256))
            }
            _ => Err(ArtifactError::Digest(sha256.to_owned())),
        }
    }

    fn check_disk(&self, size: u64) -> Result<(), ArtifactError> {
        let disk = rustix::fs::statvfs(&self.objects).map_err(io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = size.saturating_add(self.watermark);
        if free < needed {
            return Err(ArtifactError::DiskFull { free, needed });
        }
        Ok(())
    }
}

impl Artifacts for ArtifactFolder {
    fn stat(&self, sha256: &str) -> Result<Kept, ArtifactError> {
        if let Some(received) = length(&self.object(sha256)?)? {
            return Ok(Kept {
                complete: true,
                received,
            });
        }
        Ok(Kept {
            complete: false,
            received: length(&self.parts.join(sha256))?.unwrap_or(0),
        })
    }

    fn upload(&self, artifact: &ArtifactRef, offset: u64) -> Result<Box<dyn Upload>, ArtifactError> {
        let sha256 = artifact.sha256.clone();
        let object = self.object(&sha256)?;
        if artifact.size > self.most {
            let size = self.most;
            return Err(ArtifactError::TooLong { sha256, size });
        }
        self.check_disk(artifact.size.saturating_sub(offset))?;
        if !lock(&self.uploading).insert(sha256.clone()) {
            return Err(ArtifactError::Busy(sha256));
        }
        let claim = Claim {
            sha256: sha256.clone(),
            uploading: Arc::clone(&self.uploading),
        };
        let part = self.parts.join(&sha256);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&part)?;
        let received = file.metadata()?.len();
        if offset > received {
            return Err(ArtifactError::Offset {
                sha256,
                offset,
                received,
            });
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(PartUpload {
            file,
            part,
            object,
            received: offset,
            size: artifact.size,
            claim,
        }))
    }

    fn path(&self, sha256: &str) -> Result<PathBuf, ArtifactError> {
        let path = self.object(sha256)?;
        match length(&path)? {
            Some(_) => Ok(path),
            None => Err(ArtifactError::NotFound(sha256.to_owned())),
        }
    }

    fn adopt(&self, file: &Path) -> Result<ArtifactRef, ArtifactError> {
        let mut open = File::open(file)?;
        let artifact = digest(&mut open)?;
        open.sync_all()?;
        place(file, &self.object(&artifact.sha256)?)?;
        Ok(artifact)
    }

    fn is_short(&self) -> Result<bool, ArtifactError> {
        match self.check_disk(0) {
            Err(ArtifactError::DiskFull { .. }) => Ok(true),
            other => other.map(|()| false),
        }
    }

    fn collect(&self, referred: &HashSet<String>, age: Duration) -> Result<usize, ArtifactError> {
        let mut removed = 0;
        let mut folders = vec![self.parts.clone()];
        for entry in fs::read_dir(&self.objects)? {
            folders.push(entry?.path());
        }
        for entry in folders.iter().map(fs::read_dir) {
            for entry in entry? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                // A file from the future (a clock that was set back) is young.
                let touched = entry.metadata()?.modified()?;
                let elapsed = SystemTime::now().duration_since(touched).unwrap_or_default();
                if elapsed >= age && !referred.contains(&name) && !lock(&self.uploading).contains(&name) {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// An upload to a file in `parts`.
struct PartUpload {
    file: File,
    part: PathBuf,
    object: PathBuf,
    received: u64,
    size: u64,
    claim: Claim,
}

impl Upload for PartUpload {
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError> {
        self.received += chunk.len() as u64;
        if self.received > self.size {
            return Err(ArtifactError::TooLong {
                sha256: self.claim.sha256.clone(),
                size: self.size,
            });
        }
        Ok(self.file.write_all(chunk)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Kept, ArtifactError> {
        if self.received < self.size {
            return Ok(Kept {
                complete: false,
                received: self.received,
            });
        }
        self.file.seek(SeekFrom::Start(0))?;
        if digest(&mut self.file)?.sha256 != self.claim.sha256 {
            fs::remove_file(&self.part)?;
            return Err(ArtifactError::Damaged(self.claim.sha256.clone()));
        }
        self.file.sync_all()?;
        crash::point("upload.before-rename");
        place(&self.part, &self.object)?;
        crash::point("upload.after-rename");
        Ok(Kept {
            complete: true,
            received: self.received,
        })
    }
}

/// Moves a synced file to its place, durably.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        File::open(folder.parent().unwrap_or(folder))?.sync_all()?;
    }
    fs::rename(from, to)?;
    File::open(folder)?.sync_all()
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(watermark: u64) -> (tempfile::TempDir, ArtifactFolder) {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = ArtifactFolder::open(folder.path(), watermark, 1 << 20).unwrap();
        (folder, artifacts)
    }

    #[test]
    fn an_upload_is_resumed_and_checked() {
        let (_folder, artifacts) = folder(0);
        let artifact = digest(&b"hello, world"[..]).unwrap();
        let mut upload = artifacts.upload(&artifact, 0).unwrap();
        upload.write(b"hello").unwrap();
        assert!(matches!(
            artifacts.upload(&artifact, 0),
            Err(ArtifactError::Busy(_))
        ));
        assert!(!upload.finish().unwrap().complete);
        let stat = artifacts.stat(&artifact.sha256).unwrap();
        assert_eq!((stat.complete, stat.received), (false, 5));
        assert!(matches!(
            artifacts.path(&artifact.sha256),
            Err(ArtifactError::NotFound(_))
        ));
        assert!(matches!(
            artifacts.upload(&artifact, 6),
            Err(ArtifactError::Offset { received: 5, .. })
        ));

        let mut upload = artifacts.upload(&artifact, 5).unwrap();
        upload.write(b", world").unwrap();
        assert!(upload.finish().unwrap().complete);
        let path = artifacts.path(&artifact.sha256).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"hello, world");
    }

    #[test]
    fn what_has_another_digest_is_forgotten() {
        let (_folder, artifacts) = folder(0);
        let artifact = digest(&b"hello"[..]).unwrap();
        let mut upload = artifacts.upload(&artifact, 0).unwrap();
        upload.write(b"HELLO").unwrap();
        assert!(matches!(upload.finish(), Err(ArtifactError::Damaged(_))));
        assert_eq!(artifacts.stat(&artifact.sha256).unwrap().received, 0);
        let mut upload = artifacts.upload(&artifact, 0).unwrap();
        assert!(matches!(
            upload.write(b"hello!"),
            Err(ArtifactError::TooLong { .. })
        ));
        for bad in [
            "",
            "..",
            "../../../../etc/passwd",
            &"A".repeat(64),
            &"é".repeat(32),
        ] {
            assert!(
                matches!(artifacts.stat(bad), Err(ArtifactError::Digest(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_disk_is_not_filled() {
        let (_folder, artifacts) = folder(u64::MAX);
        let artifact = digest(&b"x"[..]).unwrap();
        assert!(matches!(
            artifacts.upload(&artifact, 0),
            Err(ArtifactError::DiskFull { .. })
        ));
        assert!(artifacts.is_short().unwrap());
        assert!(!self::folder(0).1.is_short().unwrap());
    }

    #[test]
    fn what_nobody_refers_to_is_collected() {
        let (folder, artifacts) = folder(0);
        let mut kept = HashSet::new();
        for (text, refer) in [("one", true), ("two", false)] {
            let file = folder.path().join(text);
            fs::write(&file, text).unwrap();
            let artifact = artifacts.adopt(&file).unwrap();
            if refer {
                kept.insert(artifact.sha256);
            }
        }
        let part = digest(&b"part"[..]).unwrap();
        let upload = artifacts.upload(&part, 0).unwrap();
        assert_eq!(artifacts.collect(&kept, Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(
            artifacts.collect(&kept, Duration::ZERO).unwrap(),
            1,
            "a part in use stays"
        );
        drop(upload);
        assert_eq!(artifacts.collect(&kept, Duration::ZERO).unwrap(), 1);
        assert!(kept.iter().all(|sha256| artifacts.path(sha256).is_ok()));
    }
}
