//! The store's file: opening it, and durability after a kill or a power cut.

use super::StoreError;
use redb::{Builder, Database, DatabaseError, WriteTransaction};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Page cache size: without a bound it would grow with the store.
const CACHE: usize = 32 << 20;
/// How long to wait for another process to release the store.
const IN_USE: Duration = Duration::from_secs(1);

/// Opens a file, or creates it.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::Io`].
pub fn create(path: &Path) -> Result<Database, StoreError> {
    when_free(|| cached().create(path))
}

/// Opens an existing file.
///
/// # Errors
/// As [`create`].
pub fn open(path: &Path) -> Result<Database, StoreError> {
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
        match open() {
            Err(DatabaseError::DatabaseAlreadyOpen) if begin.elapsed() < IN_USE => {
                std::thread::sleep(IN_USE / 20);
            }
            Err(DatabaseError::DatabaseAlreadyOpen) => return Err(StoreError::InUse),
            opened => return Ok(opened?),
        }
    }
}

/// Begins a write transaction. With quick repair, the file opens at once after a kill, however large it is.
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
        open(&path).unwrap();
        left.join().unwrap();
    }
}
