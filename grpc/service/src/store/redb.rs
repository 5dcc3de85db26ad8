//! The embedded store: one redb file, durable at every commit.

use super::compact::{Compacted, compact};
use super::copy::copy;
use super::damage::{caught, lost};
use super::file::{self, begin, keep_name};
use super::records::{
    bytes_of, decode, event, find, find_to_write, number_of, of_dedup_key, readable, record,
};
use super::removal;
use super::schema::{
    self, ACTIVE, DEDUP, EVENTS, EVENTS_OF, JOBS, JOBS_OF, LAST_EVENT, LAST_JOB, LAST_LEASE, META, PROBES,
    next, upgrade,
};
use super::{
    FULL_PAGE_BYTES, FULL_READ_BYTES, Fence, JobStore, Listing, Page, Renew, Sign, StoreError, Submitted,
};
use super::{device_time, home, nonces, receipts};
use crate::artifacts::{Reference, references_of};
use crate::crash;
use crate::job::{Asked, Job, Spec};
use crate::place::Place;
use prost::Message;
use quarry_client::protocol::{self, JobEvent, SignedRequest};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError};
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

/// Maximum number of jobs scanned for one page of a list.
const MAX_LOOKED_AT: usize = 10_000;

/// Opens a file.
type Open = fn(&Path) -> Result<Database, StoreError>;

/// A store in a file. Only one process can hold it.
pub struct RedbStore {
    path: PathBuf,
    /// The open file; `None` after an I/O error, until it is opened again.
    database: Mutex<Option<Arc<Database>>>,
    /// Locked for reading by every action, for writing by one that needs the database for itself.
    using: RwLock<()>,
    reopen: Open,
    place: Place,
    /// Locked while something is written.
    writer: Mutex<()>,
    /// Length of the file after the last write; 0 if it is not known. redb may cut the file when it closes it.
    length: AtomicU64,
    /// Held by what takes minutes, so that it does not wait for another such action while it keeps others waiting.
    lengthy: Mutex<()>,
}

impl RedbStore {
    /// Opens or creates a store and upgrades it to the latest schema.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Later`] for the store of a later version, [`StoreError::Damaged`],
    /// [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = file::create(path)?;
        let write = begin(&database)?;
        upgrade(&write, path)?;
        home::settle(&write, path)?;
        write.commit()?;
        keep_name(path)?;
        Self::of(database, path, file::reopen)
    }

    /// Since when this file holds the store: when it was created, restored or moved here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn here_since(&self) -> Result<SystemTime, StoreError> {
        self.with(|database| home::since(&database.begin_read()?))
    }

    /// Counts the store as one that was restored now, also after the next start: ages in it are in doubt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn doubt(&self) -> Result<(), StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            home::arrive(&write)?;
            Ok(write.commit()?)
        })
    }

    /// Opens a store for reading or copying. The file is not written, not even to repair it after a crash.
    ///
    /// # Errors
    /// As [`RedbStore::open`]; [`StoreError::Io`] if the file does not exist.
    pub fn open_as_it_is(path: &Path) -> Result<Self, StoreError> {
        let database = file::open_unwritten(path)?;
        schema::check(&database.begin_read()?, path)?;
        Self::of(database, path, file::open_unwritten)
    }

    fn of(database: Database, path: &Path, reopen: Open) -> Result<Self, StoreError> {
        Ok(Self {
            reopen,
            path: path.to_owned(),
            database: Mutex::new(Some(Arc::new(database))),
            using: RwLock::default(),
            place: Place::of(path).map_err(|why| StoreError::Io(why.to_string()))?,
            writer: Mutex::default(),
            length: AtomicU64::default(),
            lengthy: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self) -> Result<Arc<Database>, StoreError> {
        let mut held = self.held();
        Ok(match &*held {
            Some(database) => Arc::clone(database),
            // A missing file is not created, and no other one is opened: that would be another store.
            None => {
                self.place.check()?;
                Arc::clone(held.insert(Arc::new((self.reopen)(&self.path)?)))
            }
        })
    }

    /// Runs an action on the database. After an I/O error redb refuses further use of an open file, so the next call
    /// reopens it and finds the last commit. (The disk may have been full for a while.) So it does after a panic.
    fn with<T>(&self, action: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _using = self.using.read().unwrap_or_else(PoisonError::into_inner);
        let database = self.database()?;
        let mut returned = false;
        let result = caught(|| {
            let result = action(&database);
            returned = true;
            result
        });
        if !returned || matches!(result, Err(StoreError::Io(_))) {
            let mut held = self.held();
            if held.as_ref().is_some_and(|open| Arc::ptr_eq(open, &database)) {
                *held = None;
                // Before `database` is dropped, which may close the file.
                self.length.store(0, Ordering::Relaxed);
            }
        }
        result
    }

    /// [`RedbStore::with`] for an action that writes. It writes nothing unless the path still leads to the open file,
    /// which stays open even then: it can be copied by a backup.
    fn change_with<T>(
        &self,
        action: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.writing(|| self.with(action))
    }

    /// Runs what writes the file, if it is in its place.
    fn writing<T>(&self, write: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_length()?;
        let result = write();
        // After an error, here or of a reader, the file may be closed, opened and repaired.
        let held = self.held();
        let is_open = result.is_ok() && held.is_some();
        let known = is_open.then(|| self.place.check().ok()).flatten();
        self.length.store(known.unwrap_or_default(), Ordering::Relaxed);
        result
    }

    fn check_length(&self) -> Result<(), StoreError> {
        Ok(self.place.check_length(self.length.load(Ordering::Relaxed))?)
    }

    /// Keeps everybody waiting, as a disk that hangs does.
    #[cfg(test)]
    pub(crate) fn hang_while(&self, wait: impl FnOnce()) {
        let _alone = self.using.write().unwrap_or_else(PoisonError::into_inner);
        wait();
    }
}

impl JobStore for RedbStore {
    fn submit(&self, tenant: &str, spec: Spec, asked: Option<&Asked>) -> Result<Submitted, StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            let key = &*spec.dedup_key;
            if let Some(asked) = asked
                && let Some(id) = nonces::used(&write, asked)?
            {
                let (_, job) = find_to_write(&write, &id)?;
                return Ok(Submitted { job, existing: true });
            }
            if let Some(job) = of_dedup_key(&write, tenant, key)? {
                if let Some(asked) = asked {
                    nonces::remember(&write, asked, &job.id)?;
                    write.commit()?;
                }
                return Ok(Submitted { job, existing: true });
            }
            let number = next(&write, LAST_JOB)?;
            let random = getrandom::u64().map_err(|why| StoreError::Io(why.to_string()))?;
            let id = format!("{number:016x}{random:016x}");
            let lease = next(&write, LAST_LEASE)?;
            if !key.is_empty() {
                write.open_table(DEDUP)?.insert((tenant, key), number)?;
            }
            write.open_table(ACTIVE)?.insert(number, ())?;
            write.open_table(JOBS_OF)?.insert((tenant, number), ())?;
            if let Some(asked) = asked {
                nonces::remember(&write, asked, &id)?;
            }
            let job = Job {
                signed_request: asked.map(SignedRequest::from),
                ..Job::new(id, tenant.to_owned(), spec, lease)
            };
            let job = record(&write, number, job)?;
            crash::point("submit.before-commit");
            write.commit()?;
            crash::point("submit.after-commit");
            Ok(Submitted { job, existing: false })
        })
    }

    fn get(&self, id: &str) -> Result<Job, StoreError> {
        self.with(|database| {
            let found = number_of(id)
                .map(|number| find(database, number))
                .transpose()?
                .flatten();
            found
                .filter(|job| job.id == id)
                .ok_or_else(|| StoreError::NotFound(id.to_owned()))
        })
    }

    fn by_dedup_key(&self, tenant: &str, key: &str) -> Result<Option<Job>, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            let Some(number) = read.open_table(DEDUP)?.get((tenant, key))? else {
                return Ok(None);
            };
            find(database, number.value())
        })
    }

    fn by_message(&self, asked: &Asked) -> Result<Option<Job>, StoreError> {
        self.with(|database| {
            let Some(id) = nonces::find(&database.begin_read()?, asked)? else {
                return Ok(None);
            };
            let found = number_of(&id).map(|number| find(database, number)).transpose()?;
            let found = found.flatten().filter(|job| job.id == id);
            found.map(Some).ok_or(StoreError::NotFound(id))
        })
    }

    fn receipt(&self, id: &str, prover: &str, sign: &mut Sign<'_>) -> Result<Vec<u8>, StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            let (receipt, is_new) = receipts::receipt(&write, id, prover, sign)?;
            if is_new {
                write.commit()?;
            }
            Ok(receipt)
        })
    }

    fn list(&self, listing: &Listing) -> Result<Page, StoreError> {
        self.with(|database| {
            let bad_token = || StoreError::PageToken(listing.page_token.clone());
            let before = match &*listing.page_token {
                "" => u64::MAX,
                token => u64::from_str_radix(token, 16).map_err(|_| bad_token())?,
            };
            let read = database.begin_read()?;
            let jobs = read.open_table(JOBS)?;
            let jobs_of = read.open_table(JOBS_OF)?;
            let numbers: Box<dyn Iterator<Item = Result<u64, StorageError>>> = match &listing.tenant {
                Some(tenant) => {
                    let of = jobs_of.range((&**tenant, 0)..(&**tenant, before))?;
                    Box::new(of.rev().map(|entry| Ok(entry?.0.value().1)))
                }
                None => Box::new(jobs.range(..before)?.rev().map(|entry| Ok(entry?.0.value()))),
            };
            let mut page = Page::default();
            let (mut n_bytes, mut n_read) = (0, 0);
            for (n, number) in numbers.enumerate() {
                let number = number?;
                if n >= MAX_LOOKED_AT || n_read >= FULL_READ_BYTES {
                    page.next = format!("{:x}", number + 1);
                    break;
                }
                let record = jobs.get(number)?.ok_or_else(|| lost("job", number))?;
                n_read += record.value().len();
                let job = readable(number, record.value());
                let Some(job) = job.filter(|job| listing.takes(job)) else {
                    continue;
                };
                n_bytes += protocol::Job::from(job.clone()).encoded_len();
                page.jobs.push(job);
                if page.jobs.len() >= listing.page_size || n_bytes >= FULL_PAGE_BYTES {
                    page.next = format!("{:x}", number);
                    break;
                }
            }
            Ok(page)
        })
    }

    fn active(&self) -> Result<Vec<Job>, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            let jobs = read.open_table(JOBS)?;
            let mut active = Vec::new();
            for entry in read.open_table(ACTIVE)?.iter()? {
                let number = entry?.0.value();
                let record = jobs.get(number)?.ok_or_else(|| lost("job", number))?;
                active.extend(readable(number, record.value()));
            }
            Ok(active)
        })
    }

    fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        change: &mut dyn FnMut(&mut Job),
    ) -> Result<Job, StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            let (number, mut job) = find_to_write(&write, id)?;
            if job.has_ended() {
                return Err(StoreError::Ended(id.to_owned()));
            }
            check_fence(&job, fence)?;
            if renew == Renew::New {
                job.lease = next(&write, LAST_LEASE)?;
            }
            change(&mut job);
            let job = record(&write, number, job)?;
            if job.has_ended() {
                write.open_table(ACTIVE)?.remove(number)?;
            }
            write.commit()?;
            Ok(job)
        })
    }

    fn reopen(&self, id: &str, fence: Fence) -> Result<Job, StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            let (number, mut job) = find_to_write(&write, id)?;
            if !job.may_reopen() {
                let (id, state) = (job.id, job.state);
                return Err(StoreError::NoProof { id, state });
            }
            check_fence(&job, fence)?;
            job.reopen();
            job.lease = next(&write, LAST_LEASE)?;
            write.open_table(ACTIVE)?.insert(number, ())?;
            let job = record(&write, number, job)?;
            crash::point("reopen.before-commit");
            write.commit()?;
            crash::point("reopen.after-commit");
            Ok(job)
        })
    }

    fn events(&self, after: u64, job: Option<&str>, limit: usize) -> Result<Vec<JobEvent>, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            let events = read.open_table(EVENTS)?;
            let Some(job) = job else {
                let later = events.range(after.saturating_add(1)..)?.take(limit);
                return later.map(|entry| event(entry?.1.value())).collect();
            };
            let not_found = || StoreError::NotFound(job.to_owned());
            let number = number_of(job).ok_or_else(not_found)?;
            let index = read.open_table(EVENTS_OF)?;
            let later = index.range((number, after.saturating_add(1))..=(number, u64::MAX))?;
            let mut found = Vec::new();
            for entry in later.take(limit) {
                let cursor = entry?.0.value().1;
                let record = events.get(cursor)?.ok_or_else(|| lost("event", cursor))?;
                found.push(event(record.value())?);
            }
            // As long as a job exists, it has events.
            if found.is_empty() && index.range((number, 0)..=(number, u64::MAX))?.next().is_none() {
                return Err(not_found());
            }
            Ok(found)
        })
    }

    fn last_event(&self) -> Result<u64, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            let last = read.open_table(META)?.get(LAST_EVENT)?;
            Ok(last.map_or(0, |last| last.value()))
        })
    }

    fn references(&self, ended_since: SystemTime) -> Result<HashSet<Reference>, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            let mut references = HashSet::new();
            for entry in read.open_table(JOBS)?.iter()? {
                let job = decode(entry?.1.value())?;
                references.extend(references_of(&job, !ended_before(&job, ended_since)));
            }
            Ok(references)
        })
    }

    fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |why: &dyn std::fmt::Display| StoreError::BackUp {
            path: to.to_owned(),
            why: why.to_string(),
        };
        let _lengthy = self.lengthy.lock().unwrap_or_else(PoisonError::into_inner);
        File::create_new(to).map_err(|why| failed(&why))?;
        self.with(|database| copy(database, to)).map_err(|error| {
            let _ = std::fs::remove_file(to);
            failed(&error)
        })
    }

    fn compact(&self) -> Result<Compacted, StoreError> {
        let _lengthy = self.lengthy.lock().unwrap_or_else(PoisonError::into_inner);
        self.writing(|| {
            let _alone = self.using.write().unwrap_or_else(PoisonError::into_inner);
            let mut database = self.database()?;
            // After an error the next call opens the file again.
            *self.held() = None;
            let compacted = caught(|| {
                let database = Arc::get_mut(&mut database).ok_or(StoreError::InUse)?;
                compact(database, &self.path)
            })?;
            *self.held() = Some(database);
            Ok(compacted)
        })
    }

    fn check_place(&self) -> Result<(), StoreError> {
        match self.writer.try_lock() {
            // Who writes now has checked it.
            Err(TryLockError::WouldBlock) => Ok(()),
            Ok(_) | Err(TryLockError::Poisoned(_)) => self.check_length(),
        }
    }

    fn probe(&self) -> Result<(), StoreError> {
        self.change_with(|database| {
            let write = begin(database)?;
            next(&write, PROBES)?;
            Ok(write.commit()?)
        })
    }

    fn add_device_time(&self, tenant: &str, day: u64, time: Duration) -> Result<Duration, StoreError> {
        self.change_with(|database| device_time::add(database, tenant, day, time))
    }

    fn device_time(&self, tenant: &str, day: u64) -> Result<Duration, StoreError> {
        self.with(|database| device_time::get(database, tenant, day))
    }

    fn record_bytes(&self, tenant: &str) -> Result<u64, StoreError> {
        self.with(|database| bytes_of(database, tenant))
    }

    fn delete(&self, id: &str) -> Result<Job, StoreError> {
        self.change_with(|database| removal::delete(database, id))
    }

    fn expire(&self, before: SystemTime, limit: usize) -> Result<usize, StoreError> {
        self.change_with(|database| removal::expire(database, before, limit))
    }
}

/// Whether a job ended before a time.
pub(super) fn ended_before(job: &Job, time: SystemTime) -> bool {
    job.has_ended() && job.updated < time
}

impl Listing {
    fn takes(&self, job: &Job) -> bool {
        let has = |(key, value)| job.spec.labels.get(key) == Some(value);
        (self.states.is_empty() || self.states.contains(&job.state))
            && self.tenant.as_ref().is_none_or(|tenant| *tenant == job.tenant)
            && self.labels.iter().all(has)
    }
}

/// Refuses a change under an older lease.
fn check_fence(job: &Job, fence: Fence) -> Result<(), StoreError> {
    match fence {
        Fence::Lease(held) if held != job.lease => Err(StoreError::Stale {
            id: job.id.clone(),
            held,
            latest: job.lease,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
