//! The store's file: opening it, and durability after a kill or a power cut.

use super::StoreError;
use super::damage::caught;
use super::overlay::Overlay;
use redb::{Builder, Database, DatabaseError, WriteTransaction};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Page cache size: without a bound it would grow with the store.
const CACHE: usize = 32 << 20;
/// How long to wait for another process to release the store.
const IN_USE: Duration = Duration::from_secs(1);

/// Opens a file and compares every page in use with its checksum, or creates the file.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::Io`].
pub fn create(path: &Path) -> Result<Database, StoreError> {
    when_free(|| cached().set_check_integrity_on_open(true).create(path))
}

/// Opens an existing file, which is never written, and compares every page in use with its checksum.
///
/// # Errors
/// As [`create`].
pub fn open_unwritten(path: &Path) -> Result<Database, StoreError> {
    when_free(|| {
        let overlay = Overlay::open(path)?;
        cached()
            .set_check_integrity_on_open(true)
            .create_with_backend(overlay)
    })
}

/// Opens a file again that this process had checked when it opened it first: at once, however large it is.
///
/// # Errors
/// As [`create`].
pub fn reopen(path: &Path) -> Result<Database, StoreError> {
    when_free(|| cached().open(path))
}

fn cached() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}

/// Opens a file, waiting a moment for its lock. If a service is killed while it starts a process, that process holds
/// the lock until it executes its own program.
fn when_free(open: impl Fn() -> Result<Database, DatabaseError>) -> Result<Database, StoreError> {
    let begin = Instant::now();
    loop {
        let opened = caught(|| match open() {
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse),
            opened => Ok(opened?),
        });
        match opened {
            Err(StoreError::InUse) if begin.elapsed() < IN_USE => std::thread::sleep(IN_USE / 20),
            opened => return opened,
        }
    }
}

/// Begins a write transaction. With quick repair, the file reopens at once, however large it is. And its commits have
/// two phases, so that damage is never taken for a commit that was cut off, and answered with an older state.
///
/// # Errors
/// [`StoreError::Io`].
pub fn begin(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut write = database.begin_write()?;
    write.set_quick_repair(true);
    Ok(write)
}

/// Syncs the folder of a file, so that its name survives a power cut.
///
/// # Errors
/// [`StoreError::Io`].
pub fn keep_name(file: &Path) -> Result<(), StoreError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    folder
        .and_then(|folder| folder.sync_all())
        .map_err(|why| StoreError::Io(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_left_soon_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let first = create(&path).unwrap();
        assert!(matches!(create(&path), Err(StoreError::InUse)));
        let left = std::thread::spawn(move || {
            std::thread::sleep(IN_USE / 4);
            drop(first);
        });
        open_unwritten(&path).unwrap();
        left.join().unwrap();
    }
}
