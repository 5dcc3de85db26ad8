//! Artifacts in a folder, with one subfolder per tenant, named by the SHA-256 of the tenant's name. There,
//! `objects/ab/abcd..` are complete files and `parts/abcd..` are uploads.

use super::{ArtifactError, Artifacts, Kept, Reference, Upload, digest};
use crate::crash;
use quarry_client::protocol::ArtifactRef;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Folder of a tenant's complete files.
const OBJECTS: &str = "objects";
/// Folder of a tenant's unfinished uploads.
const PARTS: &str = "parts";

/// Artifacts in a local folder.
pub struct ArtifactFolder {
    folder: PathBuf,
    /// Free disk space below which uploads are rejected, in bytes.
    watermark: u64,
    /// Maximum size of an artifact in bytes.
    most: u64,
    /// Uploads in progress, and the bytes each still needs.
    uploading: Arc<Mutex<HashMap<PathBuf, u64>>>,
}

/// Exclusive claim to write a part, which also reserves disk space; released on drop.
struct Claim {
    part: PathBuf,
    uploading: Arc<Mutex<HashMap<PathBuf, u64>>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.uploading).remove(&self.part);
    }
}

fn lock(claims: &Mutex<HashMap<PathBuf, u64>>) -> MutexGuard<'_, HashMap<PathBuf, u64>> {
    claims.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtifactFolder {
    /// Opens or creates a folder. Uploads leave `watermark` bytes of disk space free and are limited to `most` bytes
    /// each.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(folder: &Path, watermark: u64, most: u64) -> Result<Self, ArtifactError> {
        make_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            watermark,
            most,
            uploading: Arc::default(),
        })
    }

    /// Migrates a folder of an older version, in which all tenants shared the files: links each file into the folders
    /// of the tenants that refer to it.
    ///
    /// # Errors
    /// [`ArtifactError::Io`]; those of `references`.
    pub fn share_out<E: From<ArtifactError>>(
        &self,
        references: impl FnOnce() -> Result<HashSet<Reference>, E>,
    ) -> Result<(), E> {
        let [objects, parts] = [OBJECTS, PARTS].map(|name| self.folder.join(name));
        if objects.is_dir() {
            let give = |reference: &Reference| {
                let from = object(&objects, &reference.sha256)?;
                let to = self.object(&reference.tenant, &reference.sha256)?;
                if from.is_file() && !to.is_file() {
                    link(&from, &to)?;
                }
                Ok::<_, ArtifactError>(())
            };
            references()?.iter().try_for_each(give)?;
            for gone in [&parts, &objects] {
                fs::remove_dir_all(gone).map_err(ArtifactError::Io)?;
            }
        }
        Ok(())
    }

    /// Folder of a tenant.
    fn of(&self, tenant: &str) -> Result<PathBuf, ArtifactError> {
        Ok(self.folder.join(digest(tenant.as_bytes())?.sha256))
    }

    fn object(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError> {
        object(&self.of(tenant)?.join(OBJECTS), sha256)
    }

    /// Free disk space in bytes.
    fn free(&self) -> Result<u64, ArtifactError> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn check_disk(&self, size: u64) -> Result<(), ArtifactError> {
        let free = self.free()?;
        let promised: u64 = lock(&self.uploading).values().sum();
        let needed = size.saturating_add(promised).saturating_add(self.watermark);
        if free < needed {
            return Err(ArtifactError::DiskFull { free, needed });
        }
        Ok(())
    }
}

impl Artifacts for ArtifactFolder {
    fn stat(&self, tenant: &str, sha256: &str) -> Result<Kept, ArtifactError> {
        if let Some(received) = length(&self.object(tenant, sha256)?)? {
            return Ok(Kept {
                complete: true,
                received,
            });
        }
        Ok(Kept {
            complete: false,
            received: length(&self.of(tenant)?.join(PARTS).join(sha256))?.unwrap_or(0),
        })
    }

    fn upload(
        &self,
        tenant: &str,
        artifact: &ArtifactRef,
        offset: u64,
    ) -> Result<Box<dyn Upload>, ArtifactError> {
        let sha256 = artifact.sha256.clone();
        let object = self.object(tenant, &sha256)?;
        if artifact.size > self.most {
            let size = self.most;
            return Err(ArtifactError::TooLong { sha256, size });
        }
        self.check_disk(artifact.size.saturating_sub(offset))?;
        let parts = self.of(tenant)?.join(PARTS);
        make_folder(&parts)?;
        let part = parts.join(&sha256);
        match lock(&self.uploading).entry(part.clone()) {
            Entry::Occupied(_) => return Err(ArtifactError::Busy(sha256)),
            Entry::Vacant(place) => place.insert(artifact.size.saturating_sub(offset)),
        };
        let claim = Claim {
            part: part.clone(),
            uploading: Arc::clone(&self.uploading),
        };
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
            object,
            artifact: artifact.clone(),
            received: offset,
            claim,
        }))
    }

    fn path(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError> {
        let path = self.object(tenant, sha256)?;
        match length(&path)? {
            Some(_) => Ok(path),
            None => Err(ArtifactError::NotFound(sha256.to_owned())),
        }
    }

    fn adopt(&self, tenant: &str, file: &Path) -> Result<ArtifactRef, ArtifactError> {
        let mut open = File::open(file)?;
        let artifact = digest(&mut open)?;
        open.sync_all()?;
        place(file, &self.object(tenant, &artifact.sha256)?)?;
        Ok(artifact)
    }

    fn is_short(&self) -> Result<bool, ArtifactError> {
        match self.check_disk(0) {
            Err(ArtifactError::DiskFull { .. }) => Ok(true),
            other => other.map(|()| false),
        }
    }

    fn collect(&self, referred: &HashSet<Reference>, age: Duration) -> Result<usize, ArtifactError> {
        let path = |reference: &Reference| self.object(&reference.tenant, &reference.sha256);
        let referred: HashSet<PathBuf> = referred.iter().filter_map(|of| path(of).ok()).collect();
        let mut removed = 0;
        for tenant in entries(&self.folder)? {
            let mut folders = entries(&tenant.join(OBJECTS))?;
            folders.push(tenant.join(PARTS));
            for folder in folders {
                for file in entries(&folder)? {
                    // A file from the future (the clock was set back) counts as new.
                    let touched = match file.metadata() {
                        Ok(metadata) => metadata.modified()?,
                        // The upload has finished since and was moved.
                        Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                        Err(why) => return Err(why.into()),
                    };
                    let elapsed = SystemTime::now().duration_since(touched).unwrap_or_default();
                    if elapsed >= age
                        && !referred.contains(&file)
                        && !lock(&self.uploading).contains_key(&file)
                    {
                        fs::remove_file(file)?;
                        removed += 1;
                    }
                }
            }
        }
        Ok(removed)
    }
}

/// An upload to a file in `parts`.
struct PartUpload {
    file: File,
    object: PathBuf,
    artifact: ArtifactRef,
    received: u64,
    claim: Claim,
}

impl Upload for PartUpload {
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError> {
        self.received += chunk.len() as u64;
        let ArtifactRef { sha256, size } = &self.artifact;
        if self.received > *size {
            return Err(ArtifactError::TooLong {
                sha256: sha256.clone(),
                size: *size,
            });
        }
        self.file.write_all(chunk)?;
        if let Some(left) = lock(&self.claim.uploading).get_mut(&self.claim.part) {
            *left = size - self.received;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Kept, ArtifactError> {
        if self.received < self.artifact.size {
            return Ok(Kept {
                complete: false,
                received: self.received,
            });
        }
        self.file.seek(SeekFrom::Start(0))?;
        if digest(&mut self.file)?.sha256 != self.artifact.sha256 {
            fs::remove_file(&self.claim.part)?;
            return Err(ArtifactError::Damaged(self.artifact.sha256.clone()));
        }
        self.file.sync_all()?;
        crash::point("upload.before-rename");
        place(&self.claim.part, &self.object)?;
        crash::point("upload.after-rename");
        Ok(Kept {
            complete: true,
            received: self.received,
        })
    }
}

/// Moves a synced file to its final path, durably.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    make_folder(folder)?;
    fs::rename(from, to)?;
    File::open(folder)?.sync_all()
}

/// Hard-links a file to another path, durably.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    make_folder(folder)?;
    fs::hard_link(from, to)?;
    File::open(folder)?.sync_all()
}

/// Creates a folder and its parents, durably, where missing.
fn make_folder(folder: &Path) -> io::Result<()> {
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
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Path of a complete file.
fn object(objects: &Path, sha256: &str) -> Result<PathBuf, ArtifactError> {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    match sha256.get(..2) {
        Some(head) if sha256.len() == 64 && sha256.chars().all(is_hex) => Ok(objects.join(head).join(sha256)),
        _ => Err(ArtifactError::Digest(sha256.to_owned())),
    }
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

    /// A tenant.
    const T: &str = "a tenant";

    fn folder(watermark: u64) -> (tempfile::TempDir, ArtifactFolder) {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = ArtifactFolder::open(folder.path(), watermark, 1 << 20).unwrap();
        (folder, artifacts)
    }

    #[test]
    fn an_upload_is_resumed_and_checked() {
        let (_folder, artifacts) = folder(0);
        let artifact = digest(&b"hello, world"[..]).unwrap();
        let mut upload = artifacts.upload(T, &artifact, 0).unwrap();
        upload.write(b"hello").unwrap();
        assert!(matches!(
            artifacts.upload(T, &artifact, 0),
            Err(ArtifactError::Busy(_))
        ));
        assert!(!upload.finish().unwrap().complete);
        let stat = artifacts.stat(T, &artifact.sha256).unwrap();
        assert_eq!((stat.complete, stat.received), (false, 5));
        assert!(matches!(
            artifacts.path(T, &artifact.sha256),
            Err(ArtifactError::NotFound(_))
        ));
        assert!(matches!(
            artifacts.upload(T, &artifact, 6),
            Err(ArtifactError::Offset { received: 5, .. })
        ));

        let mut upload = artifacts.upload(T, &artifact, 5).unwrap();
        upload.write(b", world").unwrap();
        assert!(upload.finish().unwrap().complete);
        let path = artifacts.path(T, &artifact.sha256).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"hello, world");
    }

    #[test]
    fn what_has_another_digest_is_forgotten() {
        let (_folder, artifacts) = folder(0);
        let artifact = digest(&b"hello"[..]).unwrap();
        let mut upload = artifacts.upload(T, &artifact, 0).unwrap();
        upload.write(b"HELLO").unwrap();
        assert!(matches!(upload.finish(), Err(ArtifactError::Damaged(_))));
        assert_eq!(artifacts.stat(T, &artifact.sha256).unwrap().received, 0);
        let mut upload = artifacts.upload(T, &artifact, 0).unwrap();
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
                matches!(artifacts.stat(T, bad), Err(ArtifactError::Digest(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_disk_is_not_filled() {
        let (_folder, artifacts) = folder(u64::MAX);
        let artifact = digest(&b"x"[..]).unwrap();
        assert!(matches!(
            artifacts.upload(T, &artifact, 0),
            Err(ArtifactError::DiskFull { .. })
        ));
        assert!(artifacts.is_short().unwrap());
        assert!(!self::folder(0).1.is_short().unwrap());

        // Space reserved for one upload is not available to another.
        let folder = tempfile::tempdir().unwrap();
        let artifacts = ArtifactFolder::open(folder.path(), 0, u64::MAX).unwrap();
        let half = |name: &[u8]| ArtifactRef {
            size: artifacts.free().unwrap() / 3 * 2,
            ..digest(name).unwrap()
        };
        let first = artifacts.upload(T, &half(b"x"), 0).unwrap();
        let second = artifacts.upload(T, &half(b"y"), 0);
        assert!(matches!(second, Err(ArtifactError::DiskFull { .. })));
        drop(first);
        assert!(artifacts.upload(T, &half(b"y"), 0).is_ok());
    }

    #[test]
    fn what_nobody_refers_to_is_collected() {
        let (folder, artifacts) = folder(0);
        let mut kept = HashSet::new();
        for (text, refer) in [("one", true), ("two", false)] {
            let file = folder.path().join(text);
            fs::write(&file, text).unwrap();
            let artifact = artifacts.adopt(T, &file).unwrap();
            if refer {
                kept.insert(Reference {
                    tenant: T.to_owned(),
                    sha256: artifact.sha256,
                });
            }
        }
        let part = digest(&b"part"[..]).unwrap();
        let upload = artifacts.upload(T, &part, 0).unwrap();
        assert_eq!(artifacts.collect(&kept, Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(
            artifacts.collect(&kept, Duration::ZERO).unwrap(),
            1,
            "a part in use stays"
        );
        drop(upload);
        assert_eq!(artifacts.collect(&kept, Duration::ZERO).unwrap(), 1);
        assert!(kept.iter().all(|of| artifacts.path(T, &of.sha256).is_ok()));
    }

    #[test]
    fn a_tenant_has_nothing_of_another() {
        let (folder, artifacts) = folder(0);
        let artifact = digest(&b"hello"[..]).unwrap();
        let mut first = artifacts.upload("one", &artifact, 0).unwrap();
        first.write(b"hel").unwrap();
        assert_eq!(artifacts.stat("two", &artifact.sha256).unwrap().received, 0);
        assert!(matches!(
            artifacts.upload("two", &artifact, 3),
            Err(ArtifactError::Offset { received: 0, .. })
        ));
        let mut second = artifacts.upload("two", &artifact, 0).unwrap();
        first.write(b"lo").unwrap();
        assert!(first.finish().unwrap().complete);
        assert!(artifacts.path("one", &artifact.sha256).is_ok());
        assert!(artifacts.path("two", &artifact.sha256).is_err());
        second.write(b"hello").unwrap();
        assert!(second.finish().unwrap().complete);

        // A tenant's reference does not keep another tenant's file.
        let kept = HashSet::from([Reference {
            tenant: "two".to_owned(),
            sha256: artifact.sha256.clone(),
        }]);
        assert_eq!(artifacts.collect(&kept, Duration::ZERO).unwrap(), 1);
        assert!(artifacts.path("one", &artifact.sha256).is_err());
        assert!(artifacts.path("two", &artifact.sha256).is_ok());
        drop(folder);
    }

    #[test]
    fn what_all_tenants_had_is_shared_out() {
        let (folder, artifacts) = folder(0);
        let name = |text: &str| digest(text.as_bytes()).unwrap().sha256;
        fs::create_dir(folder.path().join(PARTS)).unwrap();
        for text in ["both", "one's", "nobody's"] {
            let old = object(&folder.path().join(OBJECTS), &name(text)).unwrap();
            fs::create_dir_all(old.parent().unwrap()).unwrap();
            fs::write(old, text).unwrap();
        }
        let reference = |(tenant, text): (&str, &str)| Reference {
            tenant: tenant.to_owned(),
            sha256: name(text),
        };
        let references = [("", "both"), ("one", "both"), ("one", "one's"), ("one", "gone")];
        let references = || Ok::<_, ArtifactError>(references.map(reference).into());
        artifacts.share_out(references).unwrap();
        let has = |tenant, text| artifacts.path(tenant, &name(text)).is_ok();
        assert!(has("", "both") && has("one", "both") && has("one", "one's"));
        assert!(!has("", "one's") && !has("one", "nobody's") && !has("", "nobody's"));
        assert!(!folder.path().join(OBJECTS).exists() && !folder.path().join(PARTS).exists());
        let not_again = || {
            Err(ArtifactError::NotFound(
                "there is nothing to share out".to_owned(),
            ))
        };
        artifacts.share_out(not_again).unwrap();
    }
}
