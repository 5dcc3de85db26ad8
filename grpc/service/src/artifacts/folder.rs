//! Artifacts in a folder, with one subfolder per tenant, named by the SHA-256 of the tenant's name, with a prefix for a
//! stranger. There, `objects/ab/abcd..` are complete files and `parts/abcd..` are uploads.

use super::accounts::{Accounts, STRANGER, counted};
use super::disk::Disk;
use super::files::{entries, is_digest, length, link, make_folder, object};
use super::upload::PartUpload;
use super::{Allowance, ArtifactError, Artifacts, Kept, Reference, Upload, Usage, digest};
use crate::config::is_stranger;
use crate::place::Place;
use quarry_client::protocol::ArtifactRef;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Folder of a tenant's complete files.
const OBJECTS: &str = "objects";
/// Folder of a tenant's unfinished uploads.
const PARTS: &str = "parts";

/// Artifacts in a local folder.
pub struct ArtifactFolder {
    folder: PathBuf,
    place: Place,
    /// Keeps the folder's inode from being given to another one.
    _open: File,
    disk: Disk,
    /// Maximum size of an artifact in bytes.
    most: u64,
    accounts: Accounts,
}

impl ArtifactFolder {
    /// Opens or creates a folder. Uploads leave `watermark` bytes of disk space free and are limited to `most` bytes
    /// each.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(folder: &Path, watermark: u64, most: u64) -> Result<Self, ArtifactError> {
        make_folder(folder)?;
        let opened = Self {
            folder: folder.to_owned(),
            _open: File::open(folder)?,
            place: Place::of(folder)?,
            disk: Disk {
                folder: folder.to_owned(),
                watermark,
            },
            most,
            accounts: Accounts::default(),
        };
        opened.count()?;
        Ok(opened)
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
            self.count()?;
        }
        Ok(())
    }

    /// Folder of a tenant.
    fn of(&self, tenant: &str) -> Result<PathBuf, ArtifactError> {
        let name = digest(tenant.as_bytes())?.sha256;
        Ok(match is_stranger(tenant) {
            true => self.folder.join(format!("{STRANGER}{name}")),
            false => self.folder.join(name),
        })
    }

    fn object(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError> {
        object(&self.of(tenant)?.join(OBJECTS), sha256)
    }

    /// Folders of the tenants. What others have put beside them, such as `lost+found` of a disk, is left alone.
    fn tenants(&self) -> io::Result<impl Iterator<Item = PathBuf>> {
        let is_tenant = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.map(|name| name.strip_prefix(STRANGER).unwrap_or(name));
            name.is_some_and(is_digest) && path.is_dir()
        };
        Ok(entries(&self.folder)?.into_iter().filter(is_tenant))
    }

    /// Counts what each tenant stores.
    fn count(&self) -> Result<(), ArtifactError> {
        for tenant in self.tenants()? {
            let mut bytes = 0;
            for file in files(&tenant)? {
                bytes += length(&file)?.map_or(0, counted);
            }
            self.accounts.count(&tenant, bytes);
        }
        Ok(())
    }
}

impl Artifacts for ArtifactFolder {
    fn stat(&self, tenant: &str, sha256: &str) -> Result<Kept, ArtifactError> {
        self.place.check()?;
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
        allowance: &Allowance,
    ) -> Result<Box<dyn Upload>, ArtifactError> {
        self.place.check()?;
        let sha256 = artifact.sha256.clone();
        let object = self.object(tenant, &sha256)?;
        if artifact.size > self.most {
            let size = self.most;
            return Err(ArtifactError::TooLong { sha256, size });
        }
        let folder = self.of(tenant)?;
        let parts = folder.join(PARTS);
        let claim = self
            .accounts
            .claim(&folder, &parts.join(&sha256), (offset, artifact.size), allowance)?;
        self.disk.check(0)?;
        // With the tenant's other uploads, but not with those of others.
        self.disk.check_promise(self.accounts.usage(&folder).promised)?;
        make_folder(&parts)?;
        let upload = PartUpload::begin(claim, object, artifact.clone(), offset, self.disk.clone())?;
        Ok(Box::new(upload))
    }

    fn usage(&self, tenant: &str) -> Result<Usage, ArtifactError> {
        Ok(self.accounts.usage(&self.of(tenant)?))
    }

    fn path(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError> {
        self.place.check()?;
        let path = self.object(tenant, sha256)?;
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(path),
            // A pipe in its place would block whoever opens it.
            Ok(_) => Err(ArtifactError::Damaged(sha256.to_owned())),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                Err(ArtifactError::NotFound(sha256.to_owned()))
            }
            Err(why) => Err(why.into()),
        }
    }

    fn adopt(&self, tenant: &str, file: &Path) -> Result<ArtifactRef, ArtifactError> {
        self.place.check()?;
        let mut open = File::open(file)?;
        let artifact = digest(&mut open)?;
        open.sync_all()?;
        let object = self.object(tenant, &artifact.sha256)?;
        self.accounts
            .place(&self.of(tenant)?, file, &object, Some(artifact.size))?;
        // The folder may have been moved meanwhile, and made anew for this file.
        self.place.check()?;
        Ok(artifact)
    }

    fn check_place(&self) -> Result<(), ArtifactError> {
        self.place.check()?;
        Ok(())
    }

    fn is_short(&self) -> Result<bool, ArtifactError> {
        self.disk.is_short()
    }

    fn collect(&self, referred: &HashSet<Reference>, age: Duration) -> Result<usize, ArtifactError> {
        // What is there now is not the service's to remove.
        self.place.check()?;
        let path = |reference: &Reference| self.object(&reference.tenant, &reference.sha256);
        let referred: HashSet<PathBuf> = referred.iter().filter_map(|of| path(of).ok()).collect();
        let mut removed = 0;
        for tenant in self.tenants()? {
            for file in files(&tenant)? {
                // A file from the future (the clock was set back) counts as new.
                let touched = match file.metadata() {
                    Ok(metadata) => metadata.modified()?,
                    // The upload has finished since and was moved.
                    Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                    Err(why) => return Err(why.into()),
                };
                let elapsed = SystemTime::now().duration_since(touched).unwrap_or_default();
                if elapsed >= age && !referred.contains(&file) && self.accounts.discard(&tenant, &file)? {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// A tenant's files, complete or not.
fn files(tenant: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = entries(&tenant.join(OBJECTS))?;
    folders.push(tenant.join(PARTS));
    let mut files = Vec::new();
    for folder in folders {
        files.extend(entries(&folder)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
