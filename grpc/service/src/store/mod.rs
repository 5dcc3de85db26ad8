//! Storage of jobs: the trait [`JobStore`], which a fleet could implement with a shared database, and the embedded
//! implementation.
//!
//! The store is the source of truth about jobs. A worker acts on a job under a lease. Lease numbers grow across all
//! jobs. A change under an older lease is rejected, and so is every change of an ended job. Only an operator can reopen
//! one.

mod compact;
#[cfg(test)]
mod conformance;
mod copy;
mod damage;
mod device_time;
mod file;
mod home;
mod nonces;
mod overlay;
mod receipts;
mod records;
mod redb;
mod removal;
mod schema;

pub use compact::Compacted;
pub use damage::catches_panics;
pub use receipts::{Link, Sign, Signed};
pub use redb::RedbStore;

use crate::artifacts::Reference;
use crate::job::{Asked, Job, Spec};
use crate::place::PlaceError;
use quarry_client::protocol::{JobEvent, JobState};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Lease required for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Any lease: overrules the current one.
    Any,
    /// The job's latest lease must be this one.
    Lease(u64),
}

/// What a change does to the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    /// Keeps the lease.
    Keep,
    /// Starts a new lease; changes under older ones are rejected from now on.
    New,
}

/// Error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no job with this id.
    #[error("there is no job '{0}'")]
    NotFound(String),
    /// The change came under an outdated lease.
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
    /// The job has no proof that could be made again.
    #[error("job '{id}' is {}: only a job that has succeeded can be proved again", state.name())]
    NoProof {
        /// The job.
        id: String,
        /// Its state.
        state: JobState,
    },
    /// The job has no proof, of which a receipt could be made.
    #[error("job '{id}' is {}: only a job that has succeeded has a receipt", state.name())]
    Unproved {
        /// The job.
        id: String,
        /// Its state.
        state: JobState,
    },
    /// The receipt was not signed.
    #[error("job '{id}': the receipt was not signed: {why}")]
    Receipt {
        /// The job.
        id: String,
        /// Why.
        why: String,
    },
    /// The job has not ended.
    #[error("job '{0}' has not ended: cancel it first (`quarry cancel {0}`)")]
    Active(String),
    /// Another message of the signer has used the nonce.
    #[error(
        "envelope.nonce: the signer has used this nonce in another message, which asked for job {0}: take a new one"
    )]
    Nonce(String),
    /// Invalid page token.
    #[error("'{0}' is not a page token")]
    PageToken(String),
    /// The store was written by a later version.
    #[error(
        "'{}' has schema {found}, this version knows schemas up to {known}: it was written by a later version; \
         run that version, or restore a backup of this one",
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
    /// Another process has the store open.
    #[error("the store is in use by a running service: use `quarry admin`")]
    InUse,
    /// The backup copy cannot be written.
    #[error("cannot write the copy '{}': {why}", path.display())]
    BackUp {
        /// The copy.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is damaged, or not a store.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The file was moved, replaced or cut, or its folder was.
    #[error("the store: {0}")]
    Moved(#[from] PlaceError),
    /// The store cannot be read or written now.
    #[error("the store: {0}")]
    Io(String),
}

/// A submitted job, or the existing job with the same dedup key.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The job.
    pub job: Job,
    /// Whether the job existed before.
    pub existing: bool,
}

/// Bytes of jobs at which a page is full, whatever its requested size: gRPC clients accept messages of 4 MiB.
pub const FULL_PAGE_BYTES: usize = 2 << 20;

/// Bytes of records that are read for a page, whether they are listed or not: a list that takes long keeps others
/// waiting. Then the page ends, even if it is empty.
pub const FULL_READ_BYTES: usize = 8 << 20;

/// Most pages that are read for [`newest`].
const MAX_NEWEST_PAGES: usize = 64;

/// Calls `found` with up to `listing.page_size` jobs, newest first, however many pages they fill.
///
/// # Errors
/// [`StoreError`].
pub fn newest(
    store: &dyn JobStore,
    mut listing: Listing,
    mut found: impl FnMut(Job),
) -> Result<(), StoreError> {
    for _ in 0..MAX_NEWEST_PAGES {
        let page = store.list(&listing)?;
        listing.page_size -= page.jobs.len();
        page.jobs.into_iter().for_each(&mut found);
        if page.next.is_empty() || listing.page_size == 0 {
            break;
        }
        listing.page_token = page.next;
    }
    Ok(())
}

/// Filter and position of a list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only jobs of this tenant; of all if `None`.
    pub tenant: Option<String>,
    /// Jobs in any of these states; in all if empty.
    pub states: Vec<JobState>,
    /// Jobs with all of these labels.
    pub labels: HashMap<String, String>,
    /// Maximum number of jobs. A page may have fewer, or none, even if another one follows.
    pub page_size: usize,
    /// Token of the page; empty for the first.
    pub page_token: String,
}

/// A page of jobs, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Token of the next page; empty at the end.
    pub next: String,
}

/// A store of jobs. Every method is atomic, and its effects are durable when it returns.
pub trait JobStore: Send + Sync + 'static {
    /// Records a new job, and the signed message that asks for it, if there is one. If the tenant already has a job with
    /// the same dedup key, or this message has asked for a job, returns that one instead.
    ///
    /// # Errors
    /// [`StoreError::Nonce`]; [`StoreError::NotFound`] if the job for which this message has asked was removed; and
    /// others.
    fn submit(&self, tenant: &str, spec: Spec, asked: Option<&Asked>) -> Result<Submitted, StoreError>;

    /// Returns a job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and others.
    fn get(&self, id: &str) -> Result<Job, StoreError>;

    /// Returns the tenant's job with this dedup key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn by_dedup_key(&self, tenant: &str, key: &str) -> Result<Option<Job>, StoreError>;

    /// Returns the job for which a signed message has asked.
    ///
    /// # Errors
    /// As [`JobStore::submit`].
    fn by_message(&self, asked: &Asked) -> Result<Option<Job>, StoreError>;

    /// Returns the receipt of a job that has succeeded. If it has none, signs one with the key of `prover`, as the next one
    /// of this key's chain. It is removed with the job; the chain goes on after it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unproved`], [`StoreError::Receipt`] and others; the chain is then as it was.
    fn receipt(&self, id: &str, prover: &str, sign: &mut Sign<'_>) -> Result<Vec<u8>, StoreError>;

    /// Lists jobs, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self, listing: &Listing) -> Result<Page, StoreError>;

    /// Returns all jobs that have not ended, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn active(&self) -> Result<Vec<Job>, StoreError>;

    /// Changes a job and adds an event for the change.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the fence is not the job's lease, [`StoreError::Ended`] if the job has ended, and
    /// others; nothing is changed then.
    fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        change: &mut dyn FnMut(&mut Job),
    ) -> Result<Job, StoreError>;

    /// Lets a job that has succeeded start over under a new lease, because its proof is lost, and adds an event.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NoProof`] unless [`Job::may_reopen`], [`StoreError::Stale`] if the
    /// fence is not the job's lease, and others; nothing is changed then.
    fn reopen(&self, id: &str, fence: Fence) -> Result<Job, StoreError>;

    /// Returns events after a cursor, in order, of one job or of all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such job, and others.
    fn events(&self, after: u64, job: Option<&str>, limit: usize) -> Result<Vec<JobEvent>, StoreError>;

    /// Returns the cursor of the latest event ever; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn last_event(&self) -> Result<u64, StoreError>;

    /// Returns all artifacts that jobs and results refer to; inputs only of jobs that have not ended or ended at or
    /// after `ended_since`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn references(&self, ended_since: SystemTime) -> Result<HashSet<Reference>, StoreError>;

    /// Writes a consistent copy of the store to a new file.
    ///
    /// # Errors
    /// [`StoreError::BackUp`], also if the file exists; a failed copy is removed.
    fn back_up(&self, to: &Path) -> Result<(), StoreError>;

    /// Gives the disk space of removed jobs back. Other calls wait meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost then.
    fn compact(&self) -> Result<Compacted, StoreError>;

    /// Checks, without waiting, that the store is still where it was opened.
    ///
    /// # Errors
    /// [`StoreError::Moved`].
    fn check_place(&self) -> Result<(), StoreError>;

    /// Makes a small durable write, to test whether jobs can be recorded.
    ///
    /// # Errors
    /// [`StoreError`].
    fn probe(&self) -> Result<(), StoreError>;

    /// Removes a job that has ended, with its result, its events and its dedup key; returns it.
    ///
    /// # Errors
    /// [`StoreError::Active`] if the job has not ended, [`StoreError::NotFound`], and others; nothing is changed then.
    fn delete(&self, id: &str) -> Result<Job, StoreError>;

    /// Adds to the device time of a tenant on a day, which is counted from 1970; returns the time of that day. What it
    /// used on other days is forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    fn add_device_time(&self, tenant: &str, day: u64, time: Duration) -> Result<Duration, StoreError>;

    /// Returns the device time of a tenant on a day.
    ///
    /// # Errors
    /// [`StoreError`].
    fn device_time(&self, tenant: &str, day: u64) -> Result<Duration, StoreError>;

    /// Returns the bytes that the records of a tenant's jobs and of their events take.
    ///
    /// # Errors
    /// [`StoreError`].
    fn record_bytes(&self, tenant: &str) -> Result<u64, StoreError>;

    /// Removes up to `limit` jobs that ended before a time, with their results, events and dedup keys; returns their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`].
    fn expire(&self, before: SystemTime, limit: usize) -> Result<usize, StoreError>;
}
