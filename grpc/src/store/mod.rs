//! Where jobs are kept: a trait, so that a fleet may share another store, and the embedded one.
//!
//! A store is the truth about jobs. Whoever works on a job holds a lease, whose number is larger than those of all leases
//! before it, of any job: a change under an older number is refused, and so is every change of a job that has ended.

#[cfg(test)]
mod conformance;
mod file;
mod redb;
mod schema;

pub use redb::RedbStore;

use crate::artifacts::Reference;
use crate::internal::StoredJob;
use crate::protocol::{Job, JobEvent, JobState};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Under which lease a job is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Whatever the lease: who may overrule whoever works on it.
    Any,
    /// This lease must be the latest.
    Lease(u64),
}

/// What becomes of the lease in a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    /// It stays.
    Keep,
    /// A new one begins: reports under those before are refused from now on.
    New,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No job of that name.
    #[error("there is no job '{0}'")]
    NotFound(String),
    /// The job has another lease, or has ended.
    #[error("job '{id}': the change comes under lease {held}, the latest is {latest}")]
    Stale {
        /// The job.
        id: String,
        /// The lease that the change came under.
        held: u64,
        /// The job's latest lease.
        latest: u64,
    },
    /// The job has ended.
    #[error("job '{0}' has ended")]
    Ended(String),
    /// A page token of no list.
    #[error("'{0}' is no page token")]
    PageToken(String),
    /// The store was written by a later version.
    #[error(
        "'{}' has schema {found}, this version knows schemas up to {known}: it was written by a later version",
        path.display()
    )]
    Later {
        /// The store's file.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// The latest schema that is known.
        known: u64,
    },
    /// A service has it open.
    #[error("the store is in use by a service that runs: `quarry admin` asks it")]
    InUse,
    /// A copy cannot be made.
    #[error("the copy '{}': {why}", path.display())]
    BackUp {
        /// The copy.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is damaged, or not a store.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store cannot be read or written now.
    #[error("the store: {0}")]
    Io(String),
}

/// A job as it was submitted, or the earlier one that it is.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The job.
    pub job: Job,
    /// Whether it was there before.
    pub existing: bool,
}

/// A page with so many bytes of jobs is full, whatever its size: gRPC's clients take messages of 4 MiB.
pub const FULL_PAGE_BYTES: usize = 2 << 20;

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Of this tenant alone.
    pub tenant: Option<String>,
    /// In any of these states; in all if there are none.
    pub states: Vec<JobState>,
    /// With all of these labels.
    pub labels: HashMap<String, String>,
    /// At most this many; a page may have fewer, and another one follow.
    pub page_size: usize,
    /// Where an earlier list ended.
    pub page_token: String,
}

/// Jobs, the newest first, and where the next list begins; empty at the end.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// The token of the next page.
    pub next: String,
}

/// A store of jobs. What a method did is durable when it returns; nothing is ever half done.
pub trait JobStore: Send + Sync + 'static {
    /// Records a new job, whose id, times and cursors are set here, unless one with the dedup key of its specification is
    /// there for its tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    fn submit(&self, job: Job) -> Result<Submitted, StoreError>;

    /// A job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and others.
    fn get(&self, id: &str) -> Result<StoredJob, StoreError>;

    /// The job of a tenant that has this dedup key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn by_dedup_key(&self, tenant: &str, key: &str) -> Result<Option<StoredJob>, StoreError>;

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self, listing: &Listing) -> Result<Page, StoreError>;

    /// All jobs that have not ended, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn active(&self) -> Result<Vec<Job>, StoreError>;

    /// Changes a job, and adds an event that tells of it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the fence is not the job's lease, [`StoreError::Ended`] if the job has ended, and others;
    /// nothing is changed then.
    fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        change: &mut dyn FnMut(&mut StoredJob),
    ) -> Result<Job, StoreError>;

    /// Events after a cursor, in order, of one job or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    fn events(&self, after: u64, job: Option<&str>, limit: usize) -> Result<Vec<JobEvent>, StoreError>;

    /// The cursor of the latest event there ever was; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn last_event(&self) -> Result<u64, StoreError>;

    /// Digests of all artifacts that jobs and results refer to; of the inputs, those of jobs that have not ended or have
    /// since `ended_since`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn references(&self, ended_since: SystemTime) -> Result<HashSet<Reference>, StoreError>;

    /// Writes a copy of the store, as it stands at one moment, to a new file.
    ///
    /// # Errors
    /// [`StoreError::BackUp`], also if the file exists; nothing is left of a copy that failed.
    fn back_up(&self, to: &Path) -> Result<(), StoreError>;

    /// Writes a little, durably: says whether jobs can be recorded now.
    ///
    /// # Errors
    /// [`StoreError`].
    fn probe(&self) -> Result<(), StoreError>;

    /// Forgets jobs that ended before a time, at most `limit`, with their results, events and dedup keys; gives how many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn expire(&self, before: SystemTime, limit: usize) -> Result<usize, StoreError>;
}
