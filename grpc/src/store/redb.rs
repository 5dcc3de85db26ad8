//! The embedded store: one file of redb's, durable at every commit.

use super::{Fence, JobStore, Listing, Page, Renew, StoreError, Submitted};
use crate::artifacts::references_of;
use crate::crash;
use crate::internal::StoredJob;
use crate::protocol::{Job, JobEvent, JobState};
use prost::Message;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::collections::HashSet;
use std::path::Path;
use std::time::SystemTime;

/// Counters, and the schema's version.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Jobs by the number of their submission: [`StoredJob`].
const JOBS: TableDefinition<u64, &[u8]> = TableDefinition::new("jobs");
/// Numbers of the jobs that have not ended.
const ACTIVE: TableDefinition<u64, ()> = TableDefinition::new("active");
/// Numbers of jobs by tenant and dedup key.
const DEDUP: TableDefinition<(&str, &str), u64> = TableDefinition::new("dedup");
/// Events by cursor: [`JobEvent`].
const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");

const SCHEMA: &str = "schema";
const LAST_JOB: &str = "last job";
const LAST_EVENT: &str = "last event";
const LAST_LEASE: &str = "last lease";

/// Steps from every schema to the next: a store of schema n has gone through n of them. The first makes an empty store.
const UPGRADES: &[Upgrade] = &[make_tables];

/// A step from one schema to the next.
type Upgrade = fn(&WriteTransaction) -> Result<(), StoreError>;

fn make_tables(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(JOBS)?;
    write.open_table(ACTIVE)?;
    write.open_table(DEDUP)?;
    write.open_table(EVENTS)?;
    Ok(())
}

/// A store in a file. One process holds it at a time.
pub struct RedbStore {
    database: Database,
}

impl RedbStore {
    /// Opens a store, makes it if there is none, and brings it to the latest schema.
    ///
    /// # Errors
    /// [`StoreError::Later`] for the store of a later version, [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path)?;
        let write = database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let found = number(&meta, SCHEMA)?;
            let known = UPGRADES.len() as u64;
            let steps = usize::try_from(found).ok().and_then(|n| UPGRADES.get(n..));
            let steps = steps.ok_or_else(|| StoreError::Later {
                path: path.to_owned(),
                found,
                known,
            })?;
            for step in steps {
                step(&write)?;
            }
            meta.insert(SCHEMA, known)?;
        }
        write.commit()?;
        Ok(Self { database })
    }

    /// Writes a copy of the store as it stands to a new file.
    ///
    /// # Errors
    /// [`StoreError`]; also if the file exists.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Io(format!("'{}' exists", to.display())));
        }
        let read = self.database.begin_read()?;
        let copy = Database::create(to)?;
        let write = copy.begin_write()?;
        macro_rules! copy_tables {
            ($($table:expr),*) => {$({
                let mut target = write.open_table($table)?;
                for entry in read.open_table($table)?.iter()? {
                    let (key, value) = entry?;
                    target.insert(key.value(), value.value())?;
                }
            })*};
        }
        copy_tables!(META, JOBS, ACTIVE, DEDUP, EVENTS);
        Ok(write.commit()?)
    }

    fn find(&self, number: u64) -> Result<Option<StoredJob>, StoreError> {
        let read = self.database.begin_read()?;
        let record = read.open_table(JOBS)?.get(number)?;
        record.map(|record| decode(record.value())).transpose()
    }
}

impl JobStore for RedbStore {
    fn submit(&self, mut job: Job) -> Result<Submitted, StoreError> {
        let write = self.database.begin_write()?;
        let key = job.spec.as_ref().map_or("", |spec| &spec.dedup_key).to_owned();
        if !key.is_empty()
            && let Some(number) = write.open_table(DEDUP)?.get((&*job.tenant, &*key))?
        {
            let record = write.open_table(JOBS)?;
            let record = record.get(number.value())?.ok_or_else(|| lost(number.value()))?;
            return Ok(Submitted {
                job: decode(record.value())?.job.unwrap_or_default(),
                existing: true,
            });
        }
        let number = next(&write, LAST_JOB)?;
        let random = getrandom::u64().map_err(|why| StoreError::Io(why.to_string()))?;
        job.id = format!("{number:016x}{random:016x}");
        job.set_state(JobState::Received);
        job.lease_epoch = next(&write, LAST_LEASE)?;
        job.created_at = Some(SystemTime::now().into());
        if !key.is_empty() {
            write.open_table(DEDUP)?.insert((&*job.tenant, &*key), number)?;
        }
        write.open_table(ACTIVE)?.insert(number, ())?;
        let mut stored = StoredJob {
            job: Some(job),
            result: None,
        };
        let job = record(&write, number, &mut stored)?;
        crash::point("submit.before-commit");
        write.commit()?;
        crash::point("submit.after-commit");
        Ok(Submitted { job, existing: false })
    }

    fn get(&self, id: &str) -> Result<StoredJob, StoreError> {
        let found = number_of(id)
            .map(|number| self.find(number))
            .transpose()?
            .flatten();
        found
            .filter(|stored| stored.job.as_ref().is_some_and(|job| job.id == id))
            .ok_or_else(|| StoreError::NotFound(id.to_owned()))
    }

    fn by_dedup_key(&self, tenant: &str, key: &str) -> Result<Option<StoredJob>, StoreError> {
        let read = self.database.begin_read()?;
        let Some(number) = read.open_table(DEDUP)?.get((tenant, key))? else {
            return Ok(None);
        };
        self.find(number.value())
    }

    fn list(&self, listing: &Listing) -> Result<Page, StoreError> {
        let bad_token = || StoreError::PageToken(listing.page_token.clone());
        let before = match &*listing.page_token {
            "" => u64::MAX,
            token => u64::from_str_radix(token, 16).map_err(|_| bad_token())?,
        };
        let read = self.database.begin_read()?;
        let jobs = read.open_table(JOBS)?;
        let mut page = Page::default();
        for entry in jobs.range(..before)?.rev() {
            let (number, record) = entry?;
            let Some(job) = decode(record.value())?.job.filter(|job| listing.takes(job)) else {
                continue;
            };
            page.jobs.push(job);
            if page.jobs.len() >= listing.page_size {
                page.next = format!("{:x}", number.value());
                break;
            }
        }
        Ok(page)
    }

    fn active(&self) -> Result<Vec<Job>, StoreError> {
        let read = self.database.begin_read()?;
        let jobs = read.open_table(JOBS)?;
        let mut active = Vec::new();
        for entry in read.open_table(ACTIVE)?.iter()? {
            let number = entry?.0.value();
            let record = jobs.get(number)?.ok_or_else(|| lost(number))?;
            active.extend(decode(record.value())?.job);
        }
        Ok(active)
    }

    fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        change: &mut dyn FnMut(&mut StoredJob),
    ) -> Result<Job, StoreError> {
        let not_found = || StoreError::NotFound(id.to_owned());
        let number = number_of(id).ok_or_else(not_found)?;
        let write = self.database.begin_write()?;
        let found = write
            .open_table(JOBS)?
            .get(number)?
            .map(|record| decode(record.value()))
            .transpose()?;
        let mut stored = found.ok_or_else(not_found)?;
        let job = stored
            .job
            .as_mut()
            .filter(|job| job.id == id)
            .ok_or_else(not_found)?;
        if job.state().has_ended() {
            return Err(StoreError::Ended(id.to_owned()));
        }
        if let Fence::Lease(held) = fence
            && held != job.lease_epoch
        {
            return Err(StoreError::Stale {
                id: id.to_owned(),
                held,
                latest: job.lease_epoch,
            });
        }
        if renew == Renew::New {
            job.lease_epoch = next(&write, LAST_LEASE)?;
        }
        change(&mut stored);
        let job = record(&write, number, &mut stored)?;
        if job.state().has_ended() {
            write.open_table(ACTIVE)?.remove(number)?;
        }
        write.commit()?;
        Ok(job)
    }

    fn events(&self, after: u64, job: Option<&str>, limit: usize) -> Result<Vec<JobEvent>, StoreError> {
        let read = self.database.begin_read()?;
        let events = read.open_table(EVENTS)?;
        let mut found = Vec::new();
        for entry in events.range(after.saturating_add(1)..)? {
            let event = JobEvent::decode(entry?.1.value()).map_err(damaged)?;
            if job.is_none_or(|job| job == event.job_id) {
                found.push(event);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    fn references(&self) -> Result<HashSet<String>, StoreError> {
        let read = self.database.begin_read()?;
        let mut digests = HashSet::new();
        for entry in read.open_table(JOBS)?.iter()? {
            digests.extend(references_of(&decode(entry?.1.value())?));
        }
        Ok(digests)
    }
}

impl Listing {
    fn takes(&self, job: &Job) -> bool {
        let labels = job.spec.as_ref().map(|spec| &spec.labels);
        let has = |(key, value)| labels.is_some_and(|labels| labels.get(key) == Some(value));
        (self.states.is_empty() || self.states.contains(&job.state()))
            && self.tenant.as_ref().is_none_or(|tenant| *tenant == job.tenant)
            && self.labels.iter().all(has)
    }
}

/// Writes a job and the event that tells of its change.
fn record(write: &WriteTransaction, number: u64, stored: &mut StoredJob) -> Result<Job, StoreError> {
    let cursor = next(write, LAST_EVENT)?;
    let now = SystemTime::now().into();
    let job = stored.job.get_or_insert_default();
    job.updated_at = Some(now);
    job.last_event = cursor;
    if job.first_event == 0 {
        job.first_event = cursor;
    }
    let event = JobEvent {
        cursor,
        at: Some(now),
        job_id: job.id.clone(),
        state: job.state,
        stage: job.stage.clone(),
        progress: job.progress,
        failure: job.failure.clone(),
        lease_epoch: job.lease_epoch,
    };
    let job = job.clone();
    write
        .open_table(EVENTS)?
        .insert(cursor, &*event.encode_to_vec())?;
    write.open_table(JOBS)?.insert(number, &*stored.encode_to_vec())?;
    Ok(job)
}

/// The number of a job's submission, which its id begins with.
fn number_of(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(..16)?, 16).ok()
}

/// Counts one up.
fn next(write: &WriteTransaction, counter: &str) -> Result<u64, StoreError> {
    let mut meta = write.open_table(META)?;
    let value = number(&meta, counter)? + 1;
    meta.insert(counter, value)?;
    Ok(value)
}

fn number(meta: &impl ReadableTable<&'static str, u64>, key: &str) -> Result<u64, StoreError> {
    Ok(meta.get(key)?.map_or(0, |value| value.value()))
}

fn decode(record: &[u8]) -> Result<StoredJob, StoreError> {
    StoredJob::decode(record).map_err(damaged)
}

fn damaged(why: impl ToString) -> StoreError {
    StoreError::Damaged(why.to_string())
}

fn lost(number: u64) -> StoreError {
    StoreError::Damaged(format!("job {number} is listed but not there"))
}

/// Errors of redb's: damage, or a store that cannot be read or written now.
macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    error @ (redb::Error::Corrupted(_)
                    | redb::Error::UpgradeRequired(_)
                    | redb::Error::RepairAborted
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableDoesNotExist(_)) => Self::Damaged(error.to_string()),
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
    redb::CommitError
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;
    use std::sync::Arc;

    #[test]
    fn conforms_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store: Arc<dyn JobStore> = Arc::new(RedbStore::open(&path).unwrap());
        conformance::suite(&store);
        let (active, events) = (store.active().unwrap(), store.events(0, None, 1000).unwrap());
        assert!(
            matches!(RedbStore::open(&path), Err(StoreError::Io(_))),
            "one process holds it"
        );
        drop(store);

        let store = RedbStore::open(&path).unwrap();
        let copy = folder.path().join("copy.redb");
        store.back_up(&copy).unwrap();
        assert!(store.back_up(&copy).is_err(), "nothing is overwritten");
        for store in [store, RedbStore::open(&copy).unwrap()] {
            assert_eq!(store.active().unwrap(), active);
            assert_eq!(store.events(0, None, 1000).unwrap(), events);
            // Counters go on where they were.
            let next = store.submit(Job::default()).unwrap().job;
            assert!(
                active
                    .iter()
                    .all(|job| job.lease_epoch < next.lease_epoch && job.id < next.id)
            );
        }
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        drop(RedbStore::open(&path).unwrap());
        {
            let database = Database::create(&path).unwrap();
            let write = database.begin_write().unwrap();
            write.open_table(META).unwrap().insert(SCHEMA, 99).unwrap();
            write.commit().unwrap();
        }
        assert!(matches!(
            RedbStore::open(&path),
            Err(StoreError::Later { found: 99, .. })
        ));
        let path = folder.path().join("garbage");
        std::fs::write(&path, [7; 5000]).unwrap();
        assert!(RedbStore::open(&path).is_err());
    }
}
