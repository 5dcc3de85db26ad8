//! The file that holds a store, and since when: a store that was just created or restored may not know all the files
//! beside it.

use super::StoreError;
use super::schema::META;
use redb::{ReadTransaction, WriteTransaction};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What tells the file from a copy of it.
const HOME: &str = "home";
/// Since when, in seconds of Unix time.
const HOME_SINCE: &str = "home since";

/// Records that the file at `path` holds the store, if another one did before, or none.
///
/// # Errors
/// [`StoreError`].
pub fn settle(write: &WriteTransaction, path: &Path) -> Result<(), StoreError> {
    let home = identity(path).map_err(|why| StoreError::Io(why.to_string()))?;
    let mut meta = write.open_table(META)?;
    let before = meta.insert(HOME, home)?.map(|home| home.value());
    drop(meta);
    match before == Some(home) {
        true => Ok(()),
        false => arrive(write),
    }
}

/// Records that the file holds the store since now.
///
/// # Errors
/// [`StoreError`].
pub fn arrive(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut meta = write.open_table(META)?;
    meta.insert(HOME_SINCE, seconds(SystemTime::now()))?;
    Ok(())
}

/// Removes the record of the file: a copy gets its own, even if it is written over the first one.
///
/// # Errors
/// [`StoreError`].
pub fn leave(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(META)?.remove(HOME)?;
    Ok(())
}

/// Since when this file holds the store.
///
/// # Errors
/// [`StoreError`].
pub fn since(read: &ReadTransaction) -> Result<SystemTime, StoreError> {
    let since = read.open_table(META)?.get(HOME_SINCE)?;
    let since = since.map_or(0, |since| since.value());
    let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since));
    Ok(since.unwrap_or_else(SystemTime::now))
}

/// When the file was created, to the nanosecond, or its inode where the file system does not tell: another file may
/// get the inode of a deleted one.
fn identity(path: &Path) -> io::Result<u64> {
    let metadata = path.metadata()?;
    let created = metadata.created().ok();
    let created = created.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let created = created.and_then(|age| u64::try_from(age.as_nanos()).ok());
    Ok(created.unwrap_or_else(|| metadata.ino()))
}

fn seconds(time: SystemTime) -> u64 {
    let age = time.duration_since(SystemTime::UNIX_EPOCH);
    age.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use crate::store::{JobStore, RedbStore};
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn since(path: &Path) -> SystemTime {
        RedbStore::open(path).unwrap().here_since().unwrap()
    }

    #[test]
    fn a_store_knows_since_when_it_is_here() {
        let folder = tempfile::tempdir().unwrap();
        let [path, copy] = ["store.redb", "copy.redb"].map(|name| folder.path().join(name));
        let first = since(&path);
        assert!(first.elapsed().unwrap() < Duration::from_secs(60));
        let next_second = || std::thread::sleep(Duration::from_millis(1100));
        next_second();
        assert_eq!(since(&path), first, "a restart changes nothing");

        RedbStore::open(&path).unwrap().back_up(&copy).unwrap();
        // Over the old file, as `cp` does.
        fs::write(&path, fs::read(&copy).unwrap()).unwrap();
        let restored = since(&path);
        assert!(restored > first);

        // Any other copy, under another name or in the place of the file.
        let other = folder.path().join("other.redb");
        fs::copy(&path, &other).unwrap();
        next_second();
        assert!(since(&other) > restored);
    }
}
