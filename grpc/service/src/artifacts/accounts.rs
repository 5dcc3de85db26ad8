//! What each tenant stores, and what its open uploads may still send. Tenants are told apart by their folders.

use super::{ArtifactError, Usage};
use crate::config::TenantLimits;
use crate::quota::{Quota, allow};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The accounts of all tenants.
#[derive(Clone, Default)]
pub struct Accounts(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    /// Stored bytes, by the tenant's folder.
    stored: HashMap<PathBuf, u64>,
    /// Open uploads, by the file that they write.
    promises: HashMap<PathBuf, Promise>,
}

/// What an open upload may still send.
struct Promise {
    folder: PathBuf,
    left: u64,
}

impl Books {
    fn usage(&self, folder: &Path) -> Usage {
        let own = self.promises.values().filter(|promise| promise.folder == folder);
        Usage {
            stored: self.stored.get(folder).copied().unwrap_or_default(),
            promised: own.map(|promise| promise.left).sum(),
        }
    }
}

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a tenant uses now.
    pub fn usage(&self, folder: &Path) -> Usage {
        self.lock().usage(folder)
    }

    /// Sets what a tenant stores.
    pub fn count(&self, folder: &Path, bytes: u64) {
        self.lock().stored.insert(folder.to_owned(), bytes);
    }

    /// Adds to what a tenant stores.
    pub fn add(&self, folder: &Path, bytes: u64) {
        *self.lock().stored.entry(folder.to_owned()).or_default() += bytes;
    }

    /// Takes from what a tenant stores.
    pub fn remove(&self, folder: &Path, bytes: u64) {
        if let Some(stored) = self.lock().stored.get_mut(folder) {
            *stored = stored.saturating_sub(bytes);
        }
    }

    /// Whether an open upload writes this file.
    pub fn is_claimed(&self, part: &Path) -> bool {
        self.lock().promises.contains_key(part)
    }

    /// Claims a file for an upload of so many bytes, within the tenant's limits.
    ///
    /// # Errors
    /// [`ArtifactError::Busy`], [`ArtifactError::Quota`].
    pub fn claim(
        &self,
        folder: &Path,
        part: &Path,
        bytes: u64,
        limits: &TenantLimits,
    ) -> Result<Claim, ArtifactError> {
        let mut books = self.lock();
        let Usage { stored, promised } = books.usage(folder);
        match books.promises.entry(part.to_owned()) {
            Entry::Occupied(_) => {
                let name = part.file_name().unwrap_or_default();
                return Err(ArtifactError::Busy(name.to_string_lossy().into_owned()));
            }
            Entry::Vacant(place) => {
                allow(Quota::PromisedBytes, promised, bytes, limits.max_promised_bytes)?;
                allow(
                    Quota::StoredBytes,
                    stored.saturating_add(promised),
                    bytes,
                    limits.max_stored_bytes,
                )?;
                place.insert(Promise {
                    folder: folder.to_owned(),
                    left: bytes,
                });
            }
        }
        drop(books);
        Ok(Claim {
            accounts: self.clone(),
            folder: folder.to_owned(),
            part: part.to_owned(),
        })
    }
}

/// Exclusive claim to write a file, and the promise of the bytes that are still to come. Both end on drop.
pub struct Claim {
    /// The accounts.
    pub accounts: Accounts,
    /// The tenant's folder.
    pub folder: PathBuf,
    /// The file.
    pub part: PathBuf,
}

impl Claim {
    /// Turns promised bytes into stored ones.
    pub fn keep(&self, bytes: u64) {
        let mut books = self.accounts.lock();
        if let Some(promise) = books.promises.get_mut(&self.part) {
            promise.left = promise.left.saturating_sub(bytes);
        }
        *books.stored.entry(self.folder.clone()).or_default() += bytes;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.accounts.lock().promises.remove(&self.part);
    }
}
