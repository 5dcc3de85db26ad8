//! The store's file: how it is opened, and what of it a kill or a power cut leaves.

use super::StoreError;
use redb::{Builder, Database, DatabaseError, WriteTransaction};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Memory for pages of the file: without a bound it would grow with the store.
const CACHE: usize = 32 << 20;
/// How long a store may be held by somebody else before it is in use.
const IN_USE: Duration = Duration::from_secs(1);

/// Opens a file, and makes it if there is none.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::Io`].
pub fn create(path: &Path) -> Result<Database, StoreError> {
    when_free(|| cached().create(path))
}

/// Opens a file that is there.
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

/// Opens a file as soon as nobody holds it: a service that was killed while it started a process leaves its lock to that for a
/// moment, until it is another program.
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

/// Begins to write. What the commit keeps is found again at once after a kill, however large the file is.
///
/// # Errors
/// [`StoreError::Io`].
pub fn begin(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut write = database.begin_write()?;
    write.set_quick_repair(true);
    Ok(write)
}

/// Makes sure of a file's name: it is to be there after a power cut too.
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
