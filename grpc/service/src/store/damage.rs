//! Damage: what redb says of a file that something else changed, as errors of the store.

use super::StoreError;
use std::cell::Cell;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a caught panic is called.
const PANICKED: &str = "redb panicked";

/// An error for damaged content.
pub fn damaged(why: impl ToString) -> StoreError {
    StoreError::Damaged(why.to_string())
}

/// An error for an entry that an index names and a table lacks.
pub fn lost(what: &str, number: u64) -> StoreError {
    damaged(format_args!("{what} {number} is listed but missing"))
}

thread_local! {
    static CATCHES: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would be caught as damage of the store. A panic hook asks, to tell it from a bug.
pub fn catches_panics() -> bool {
    CATCHES.get()
}

/// Runs an action of redb. A panic is [`StoreError::Damaged`]: redb panics on pages that were changed after it had
/// checked the file. What the action used must not be used again.
///
/// # Errors
/// Those of the action; [`StoreError::Damaged`].
pub fn caught<T>(action: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let before = CATCHES.replace(true);
    let result = catch_unwind(AssertUnwindSafe(action));
    CATCHES.set(before);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let why = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let why = why.unwrap_or("without a word");
        Err(damaged(format_args!("{PANICKED}: {why}")))
    })
}

/// Maps redb's errors to damage or to I/O errors.
macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    // Not the head of a store, or a file that was cut off.
                    redb::Error::Io(why)
                        if matches!(why.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
                    {
                        damaged(why)
                    }
                    error @ (redb::Error::Corrupted(_)
                    | redb::Error::UpgradeRequired(_)
                    | redb::Error::RepairAborted
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TypeDefinitionChanged { .. }
                    | redb::Error::TableDoesNotExist(_)) => damaged(error),
                    error => Self::Io(error.to_string()),
                }
            }
        }
    )*};
}

from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::CompactionError
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::store::{JobStore, Listing, RedbStore};
    use quarry_client::protocol::JobSpec;
    use std::fs;
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use std::time::SystemTime;

    const PAGE: usize = 4096;

    /// A store of many pages, which was closed.
    fn fill(path: &Path) {
        let store = RedbStore::open(path).unwrap();
        for n in 0..150 {
            let spec = JobSpec {
                dedup_key: format!("key {n}"),
                labels: [("label".to_owned(), "x".repeat(1000 + n))].into(),
                ..JobSpec::default()
            };
            store.submit("tenant", spec.into(), None).unwrap();
        }
    }

    /// Everything that can be read.
    fn read(store: &RedbStore) -> Result<(Vec<Job>, usize), StoreError> {
        let listing = Listing {
            page_size: 1000,
            ..Listing::default()
        };
        let jobs = store.list(&listing)?.jobs;
        for job in &jobs {
            store.get(&job.id)?;
            store.events(0, Some(&job.id), 10)?;
        }
        store.by_dedup_key("tenant", "key 7")?;
        store.references(SystemTime::now())?;
        let active = store.active()?.len();
        assert_eq!(active, jobs.len());
        Ok((jobs, store.events(0, None, 10_000)?.len()))
    }

    /// The next of a sequence of pseudo-random numbers below a limit (splitmix64).
    fn random(seed: &mut u64, below: usize) -> usize {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    /// A bit, a page, a byte run, two pages, or the end of the file is changed.
    fn damage(bytes: &mut Vec<u8>, seed: &mut u64) {
        let (n_bytes, n_pages) = (bytes.len(), bytes.len() / PAGE);
        let page = random(seed, n_pages - 1) * PAGE;
        match random(seed, 5) {
            0 => bytes[random(seed, n_bytes)] ^= 1 << random(seed, 8),
            1 => bytes[page..page + PAGE].fill(u8::try_from(random(seed, 256)).unwrap()),
            2 => {
                let at = random(seed, n_bytes - 64);
                bytes[at..at + 64].iter_mut().for_each(|byte| *byte = !*byte);
            }
            3 => bytes.copy_within(page..page + PAGE, random(seed, n_pages - 1) * PAGE),
            _ => bytes.truncate(random(seed, n_bytes)),
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_or_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        fill(&path);
        let whole = fs::read(&path).unwrap();
        let all = read(&RedbStore::open_as_it_is(&path).unwrap()).unwrap();
        let mut n_errors = 0;
        for case in 0..300 {
            let mut seed = case;
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut seed);
            fs::write(&path, &bytes).unwrap();
            let opened = match case % 2 {
                0 => RedbStore::open_as_it_is(&path),
                _ => RedbStore::open(&path),
            };
            // Emptied: a new store, which `serve` makes only beside no files.
            if bytes.is_empty() {
                continue;
            }
            match opened {
                Ok(store) => assert!(read(&store).unwrap() == all, "case {case}: other content"),
                Err(StoreError::Damaged(why)) => {
                    assert!(
                        fs::read(&path).unwrap() == bytes,
                        "case {case}: the file was changed"
                    );
                    assert!(!why.contains(PANICKED), "case {case}: {why}");
                    n_errors += 1;
                }
                Err(error) => panic!("case {case}: {error}"),
            }
        }
        assert!(n_errors > 50, "{n_errors} cases are errors");
    }

    #[test]
    fn a_caught_panic_is_told_from_a_bug() {
        let within = caught(|| Ok(catches_panics()));
        assert!(within.unwrap() && !catches_panics());
        let panicked = caught::<()>(|| panic!("as redb does"));
        assert!(panicked.unwrap_err().to_string().contains("as redb does"));
        assert!(!catches_panics(), "also after a panic");
    }

    #[test]
    fn damage_under_an_open_store_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        fill(&path);
        let whole = fs::read(&path).unwrap();
        let mut n_errors = 0;
        for case in 0..20 {
            fs::write(&path, &whole).unwrap();
            let store = RedbStore::open(&path).unwrap();
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let n_pages = file.metadata().unwrap().len() / PAGE as u64;
            let mut seed = case;
            for page in 1..n_pages {
                if random(&mut seed, 2) == 0 {
                    let garbage = [u8::try_from(random(&mut seed, 4)).unwrap(); PAGE];
                    file.write_all_at(&garbage, page * PAGE as u64).unwrap();
                }
            }
            n_errors += usize::from(read(&store).is_err());
            n_errors += usize::from(store.probe().is_err());
            n_errors += usize::from(store.submit("tenant", JobSpec::default().into(), None).is_err());
        }
        assert!(n_errors > 10, "{n_errors} actions are errors");
    }
}
