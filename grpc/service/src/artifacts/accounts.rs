//! What each tenant stores, and what its open uploads may still send. Tenants are told apart by their folders.

use super::files::{length, make_folder};
use super::{Allowance, ArtifactError, Usage};
use crate::quota::{Quota, allow};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Least bytes that a stored file counts for: what a file system makes ready for each file by default (bytes per inode
/// of ext4). So a limit of bytes bounds the number of files too.
pub const MIN_COUNTED_BYTES: u64 = 16 << 10;

/// How the names of strangers' folders begin.
pub const STRANGER: &str = "key-";

/// Whether a folder is a stranger's.
fn is_of_stranger(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(STRANGER))
}

/// What a stored file of a length counts for.
pub fn counted(length: u64) -> u64 {
    length.max(MIN_COUNTED_BYTES)
}

/// The accounts of all tenants.
#[derive(Clone, Default)]
pub struct Accounts(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    /// What the stored files count for, by the tenant's folder.
    stored: HashMap<PathBuf, u64>,
    /// Open uploads, by the file that they write.
    promises: HashMap<PathBuf, Promise>,
}

/// What an open upload may still send.
struct Promise {
    folder: PathBuf,
    left: u64,
    /// How much more its file may come to count for.
    room: u64,
}

impl Books {
    fn usage(&self, folder: &Path) -> Usage {
        let own = self.promises.values().filter(|promise| promise.folder == folder);
        Usage {
            stored: self.stored.get(folder).copied().unwrap_or_default(),
            promised: own.fold(0, |sum, promise| sum.saturating_add(promise.left)),
        }
    }

    /// What the open uploads of a folder may come to count for beside what is stored.
    fn room(&self, folder: &Path) -> u64 {
        let own = self.promises.values().filter(|promise| promise.folder == folder);
        own.fold(0, |sum, promise| sum.saturating_add(promise.room))
    }

    /// What is stored in all strangers' folders, and what their open uploads may come to count for.
    fn of_strangers(&self) -> u64 {
        let stored = self.stored.iter().filter(|(folder, _)| is_of_stranger(folder));
        let promises = self
            .promises
            .values()
            .filter(|promise| is_of_stranger(&promise.folder));
        let stored = stored.fold(0_u64, |sum, (_, stored)| sum.saturating_add(*stored));
        promises.fold(stored, |sum, promise| sum.saturating_add(promise.room))
    }

    fn change(&mut self, folder: &Path, added: u64, removed: u64) {
        let stored = self.stored.entry(folder.to_owned()).or_default();
        *stored = stored.saturating_add(added).saturating_sub(removed);
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

    /// Moves a tenant's synced file to its final path, durably. `uncounted` is its length if it is not in the account
    /// yet. The length of a file that it replaces, the move and the account are one step: the same file may come twice
    /// at once.
    pub fn place(&self, folder: &Path, from: &Path, to: &Path, uncounted: Option<u64>) -> io::Result<()> {
        let above = to.parent().unwrap_or(to);
        make_folder(above)?;
        let mut books = self.lock();
        let replaced = length(to)?;
        fs::rename(from, to)?;
        let [added, removed] = [uncounted, replaced].map(|length| length.map_or(0, counted));
        books.change(folder, added, removed);
        drop(books);
        File::open(above)?.sync_all()
    }

    /// Removes a tenant's file and takes it from the account, unless an open upload writes it; returns whether it did.
    pub fn discard(&self, folder: &Path, file: &Path) -> io::Result<bool> {
        let mut books = self.lock();
        let bytes = match length(file)? {
            Some(bytes) if !books.promises.contains_key(file) => bytes,
            _ => return Ok(false),
        };
        fs::remove_file(file)?;
        books.change(folder, 0, counted(bytes));
        Ok(true)
    }

    /// Claims a file for an upload of its bytes from `offset` to `size`, within the tenant's limits. What the file has
    /// after `offset` does not count: the upload cuts it off.
    ///
    /// # Errors
    /// [`ArtifactError::Busy`], [`ArtifactError::Quota`], [`ArtifactError::Io`].
    pub fn claim(
        &self,
        folder: &Path,
        part: &Path,
        (offset, size): (u64, u64),
        allowance: &Allowance,
    ) -> Result<Claim, ArtifactError> {
        let Allowance { limits, records } = *allowance;
        let mut books = self.lock();
        let Usage { stored, promised } = books.usage(folder);
        let room = books.room(folder);
        let of_strangers = books.of_strangers();
        match books.promises.entry(part.to_owned()) {
            Entry::Occupied(_) => {
                let name = part.file_name().unwrap_or_default();
                return Err(ArtifactError::Busy(name.to_string_lossy().into_owned()));
            }
            Entry::Vacant(place) => {
                let bytes = size.saturating_sub(offset);
                let found = length(part)?;
                // A part that begins anew goes first.
                let kept = found.map(|found| found.min(offset)).filter(|kept| *kept > 0);
                let [found, kept] = [found, kept].map(|length| length.map_or(0, counted));
                let asked = counted(size).saturating_sub(kept);
                allow(Quota::PromisedBytes, promised, bytes, limits.max_promised_bytes)?;
                allow(
                    Quota::StoredBytes,
                    stored
                        .saturating_sub(found)
                        .saturating_add(kept)
                        .saturating_add(room)
                        .saturating_add(records),
                    asked,
                    limits.max_stored_bytes,
                )?;
                if let Some(together) = limits.together {
                    let max = Some(together.max_stored_bytes);
                    allow(Quota::StoredBytesOfStrangers, of_strangers, asked, max)?;
                }
                place.insert(Promise {
                    folder: folder.to_owned(),
                    left: bytes,
                    room: asked,
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
    /// Turns promised bytes into stored ones: the file was made with a length, or grew to it.
    pub fn keep(&self, before: Option<u64>, length: u64) {
        let (now, then) = (counted(length), before.map_or(0, counted));
        let mut books = self.accounts.lock();
        if let Some(promise) = books.promises.get_mut(&self.part) {
            let bytes = length.saturating_sub(before.unwrap_or_default());
            promise.left = promise.left.saturating_sub(bytes);
            promise.room = promise.room.saturating_sub(now - then);
        }
        books.change(&self.folder, now, then);
    }

    /// The file was cut to a length.
    pub fn cut(&self, before: u64, length: u64) {
        let mut books = self.accounts.lock();
        books.change(&self.folder, counted(length), counted(before));
    }

    /// The file of a length was removed.
    pub fn remove(&self, length: u64) {
        self.accounts.lock().change(&self.folder, 0, counted(length));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.accounts.lock().promises.remove(&self.part);
    }
}
