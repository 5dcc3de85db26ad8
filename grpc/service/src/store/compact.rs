//! Gives the disk space of removed jobs back to the file system.

use super::StoreError;
use super::file::begin;
use redb::Database;
use std::path::Path;

/// Size of the store's file before and after a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}

/// Compacts the file at `path`. A crash on the way loses nothing: redb moves pages in transactions.
///
/// # Errors
/// [`StoreError`].
pub fn compact(database: &mut Database, path: &Path) -> Result<Compacted, StoreError> {
    let before = size(path)?;
    database.compact()?;
    // redb's own commits lack the quick repair of all others.
    begin(database)?.commit()?;
    let after = size(path)?;
    Ok(Compacted { before, after })
}

fn size(path: &Path) -> Result<u64, StoreError> {
    let metadata = path.metadata().map_err(|why| StoreError::Io(why.to_string()))?;
    Ok(metadata.len())
}

#[cfg(test)]
mod tests {
    use crate::job::Job;
    use crate::store::{Fence, JobStore, RedbStore, Renew};
    use quarry_client::protocol::{JobSpec, JobState};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, SystemTime};

    fn submit(store: &RedbStore, label: usize) -> Job {
        let labels = [("label".to_owned(), "x".repeat(label))].into();
        let spec = JobSpec {
            labels,
            ..JobSpec::default()
        };
        store.submit("tenant", spec.into(), None).unwrap().job
    }

    #[test]
    fn the_file_shrinks_after_jobs_expired_while_others_are_submitted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = RedbStore::open(&path).unwrap();
        for _ in 0..40 {
            let id = submit(&store, 100_000).id;
            let end = &mut |job: &mut Job| job.state = JobState::Failed;
            store.change(&id, Fence::Any, Renew::Keep, end).unwrap();
        }
        let kept = submit(&store, 10);
        let later = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(store.expire(later, usize::MAX).unwrap(), 40);
        let is_over = AtomicBool::new(false);
        let (compacted, beside) = std::thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let mut jobs = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    jobs.push(submit(&store, 10));
                }
                jobs
            });
            let compacted = store.compact();
            is_over.store(true, Ordering::Relaxed);
            (compacted.unwrap(), beside.join().unwrap())
        });
        assert!(compacted.before > 4_000_000, "{compacted:?}");
        assert!(compacted.after < compacted.before / 2, "{compacted:?}");
        for job in beside.iter().chain([&kept]) {
            assert_eq!(store.get(&job.id).unwrap(), *job);
        }
        drop(store);
        // All checksums are compared.
        let store = RedbStore::open(&path).unwrap();
        assert_eq!(store.active().unwrap().len(), 1 + beside.len());
    }
}
