//! Tables of the embedded store, and schema upgrades.

use super::StoreError;
use super::damage::damaged;
use super::records::{number_of, readable};
use prost::Message;
use quarry_client::protocol::JobEvent;
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::path::Path;

/// Counters, and the schema version.
pub const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Jobs by submission number: `StoredJob`.
pub const JOBS: TableDefinition<u64, &[u8]> = TableDefinition::new("jobs");
/// Numbers of the jobs that have not ended.
pub const ACTIVE: TableDefinition<u64, ()> = TableDefinition::new("active");
/// Numbers of jobs by tenant and dedup key.
pub const DEDUP: TableDefinition<(&str, &str), u64> = TableDefinition::new("dedup");
/// Events by cursor: [`JobEvent`].
pub const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
/// Index of event cursors by job number.
pub const EVENTS_OF: TableDefinition<(u64, u64), ()> = TableDefinition::new("events of jobs");
/// Index of job numbers by tenant.
pub const JOBS_OF: TableDefinition<(&str, u64), ()> = TableDefinition::new("jobs of tenants");
/// Device time by tenant: the last day on which it used some, and the milliseconds of that day.
pub const DEVICE_TIME: TableDefinition<&str, (u64, u64)> = TableDefinition::new("device time");
/// Bytes that the records of a tenant's jobs and of their events take, by tenant.
pub const RECORD_BYTES: TableDefinition<&str, u64> = TableDefinition::new("record bytes");

/// Digest of the signed message that used a nonce, and id of its job, by signer and nonce.
pub const NONCES: TableDefinition<(&str, &[u8]), (&str, &str)> = TableDefinition::new("nonces");
/// Index of nonces by the time at which their messages expire.
pub const NONCES_BY_TIME: TableDefinition<(u64, &str, &[u8]), ()> = TableDefinition::new("nonces by time");

/// Receipts, as signed, by the prover's key and their number.
pub const RECEIPTS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("receipts");
/// Prover's key and number of the receipt of a job, by job number.
pub const RECEIPTS_OF: TableDefinition<u64, (&str, u64)> = TableDefinition::new("receipts of jobs");
/// Number and digest of a prover's latest receipt, by its key. It stays when the job is removed.
pub const LAST_RECEIPTS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("last receipts");

pub const LAST_JOB: &str = "last job";
pub const LAST_EVENT: &str = "last event";
pub const LAST_LEASE: &str = "last lease";
pub const PROBES: &str = "probes";
const SCHEMA: &str = "schema";

/// An upgrade from one schema to the next.
type Upgrade = fn(&WriteTransaction) -> Result<(), StoreError>;

/// Upgrades from every schema to the next: a store with schema n has had the first n. The first one creates an empty
/// store.
const UPGRADES: &[Upgrade] = &[
    make_tables,
    index_events,
    count_device_time,
    look_at_tenants,
    remember_messages,
];

fn make_tables(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(JOBS)?;
    write.open_table(ACTIVE)?;
    write.open_table(DEDUP)?;
    write.open_table(EVENTS)?;
    Ok(())
}

fn index_events(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut index = write.open_table(EVENTS_OF)?;
    for entry in write.open_table(EVENTS)?.iter()? {
        let (cursor, event) = entry?;
        let event = JobEvent::decode(event.value()).map_err(damaged)?;
        let job = number_of(&event.job_id).ok_or_else(|| damaged("an event without a job"))?;
        index.insert((job, cursor.value()), ())?;
    }
    Ok(())
}

fn count_device_time(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(DEVICE_TIME)?;
    Ok(())
}

/// Indexes the jobs of each tenant, and counts the bytes of their records.
fn look_at_tenants(write: &WriteTransaction) -> Result<(), StoreError> {
    let (mut jobs_of, mut table) = (write.open_table(JOBS_OF)?, write.open_table(RECORD_BYTES)?);
    let (jobs, events) = (write.open_table(JOBS)?, write.open_table(EVENTS)?);
    let index = write.open_table(EVENTS_OF)?;
    for entry in jobs.iter()? {
        let (number, record) = entry?;
        let (number, record) = (number.value(), record.value());
        let Some(job) = readable(number, record) else {
            continue;
        };
        jobs_of.insert((&*job.tenant, number), ())?;
        let mut bytes = record.len() as u64;
        for entry in index.range((number, 0)..=(number, u64::MAX))? {
            let event = events.get(entry?.0.value().1)?;
            bytes += event.map_or(0, |event| event.value().len() as u64);
        }
        let before = table.get(&*job.tenant)?.map_or(0, |before| before.value());
        table.insert(&*job.tenant, before + bytes)?;
    }
    Ok(())
}

/// Makes the tables of signed messages.
fn remember_messages(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(NONCES)?;
    write.open_table(NONCES_BY_TIME)?;
    write.open_table(RECEIPTS)?;
    write.open_table(RECEIPTS_OF)?;
    write.open_table(LAST_RECEIPTS)?;
    Ok(())
}

/// Upgrades the store at `path` to the latest schema.
///
/// # Errors
/// [`StoreError::Later`] for the store of a later version, and others.
pub fn upgrade(write: &WriteTransaction, path: &Path) -> Result<(), StoreError> {
    let mut meta = write.open_table(META)?;
    for step in steps_left(&meta, path)? {
        step(write)?;
    }
    meta.insert(SCHEMA, UPGRADES.len() as u64)?;
    Ok(())
}

/// Rejects the store of a later version; changes nothing.
///
/// # Errors
/// [`StoreError::Later`], and others.
pub fn check(read: &ReadTransaction, path: &Path) -> Result<(), StoreError> {
    steps_left(&read.open_table(META)?, path).map(|_| ())
}

/// Upgrades that the store still needs.
fn steps_left(
    meta: &impl ReadableTable<&'static str, u64>,
    path: &Path,
) -> Result<&'static [Upgrade], StoreError> {
    let found = number(meta, SCHEMA)?;
    let steps = usize::try_from(found).ok().and_then(|n| UPGRADES.get(n..));
    steps.ok_or_else(|| StoreError::Later {
        path: path.to_owned(),
        found,
        known: UPGRADES.len() as u64,
    })
}

/// Increments a counter; returns the new value.
pub fn next(write: &WriteTransaction, counter: &str) -> Result<u64, StoreError> {
    let mut meta = write.open_table(META)?;
    let value = number(&meta, counter)? + 1;
    meta.insert(counter, value)?;
    Ok(value)
}

fn number(meta: &impl ReadableTable<&'static str, u64>, key: &str) -> Result<u64, StoreError> {
    Ok(meta.get(key)?.map_or(0, |value| value.value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::StoredJob;
    use crate::job::Job;
    use crate::store::{JobStore, Listing, RedbStore, conformance};
    use quarry_client::protocol::JobState;
    use redb::{Database, ReadableDatabase};
    use std::fs;
    use std::io::Read;

    /// Store of a killed service with schema 1: a proof, a rejected job, and one that was on the device.
    const SCHEMA_1: &[u8] = include_bytes!("../../tests/data/store-schema-1.redb.gz");

    /// The same store, which another service brought to schema 2.
    const SCHEMA_2: &[u8] = include_bytes!("../../tests/data/store-schema-2.redb.gz");

    /// The same store, which a third service brought to schema 3.
    const SCHEMA_3: &[u8] = include_bytes!("../../tests/data/store-schema-3.redb.gz");

    /// The same store, which a fourth service brought to schema 4.
    const SCHEMA_4: &[u8] = include_bytes!("../../tests/data/store-schema-4.redb.gz");

    fn unpack_schema_1(path: &Path) {
        unpack(SCHEMA_1, path);
    }

    fn unpack(packed: &[u8], path: &Path) {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed)
            .read_to_end(&mut bytes)
            .unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn records_of_an_older_service_keep_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        unpack_schema_1(&path);
        let database = Database::open(&path).unwrap();
        let jobs = database.begin_read().unwrap().open_table(JOBS).unwrap();
        let mut n_jobs = 0;
        for entry in jobs.iter().unwrap() {
            let record = entry.unwrap().1;
            let job = Job::of_record(StoredJob::decode(record.value()).unwrap()).unwrap();
            assert_eq!(StoredJob::from(job).encode_to_vec(), record.value());
            n_jobs += 1;
        }
        assert_eq!(n_jobs, 3);
    }

    #[test]
    fn a_store_of_an_earlier_schema_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        // Twice: an upgraded store opens like any other.
        let earlier = [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4];
        for packed in earlier.into_iter().flat_map(|packed| [Some(packed), None]) {
            if let Some(packed) = packed {
                unpack(packed, &path);
            }
            let store = RedbStore::open(&path).unwrap();
            let listing = Listing {
                page_size: 10,
                ..Listing::default()
            };
            let jobs = store.list(&listing).unwrap().jobs;
            let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
            assert_eq!(
                states,
                [JobState::Running, JobState::Rejected, JobState::Succeeded]
            );
            assert_eq!(jobs[2].spec.dedup_key, "first");
            assert!(store.by_dedup_key("", "first").unwrap().is_some());
            assert!(store.get(&jobs[2].id).unwrap().result.is_some());
            assert_eq!(store.active().unwrap(), jobs[..1]);
            // Each event is found by its job, in order.
            let all = store.events(0, None, usize::MAX).unwrap();
            let mut n_events = 0;
            for job in &jobs {
                let events = store.events(0, Some(&job.id), usize::MAX).unwrap();
                assert!(all.iter().filter(|event| event.job_id == job.id).eq(&events));
                n_events += events.len();
            }
            assert!(n_events == all.len() && n_events > 10, "{n_events}");
            assert!(store.record_bytes("").unwrap() > 1000);
            let tenant = Some(String::new());
            let own = store.list(&Listing { tenant, ..listing }).unwrap().jobs;
            assert_eq!(own, jobs, "found by their tenant");
            conformance::records_are_counted(&store);
        }
    }

    #[test]
    fn a_store_that_is_only_read_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let [path, copy] = ["store.redb", "copy.redb"].map(|name| folder.path().join(name));
        unpack_schema_1(&path);
        let schema = |path: &Path| {
            let database = Database::open(path).unwrap();
            let meta = database.begin_read().unwrap().open_table(META).unwrap();
            number(&meta, SCHEMA).unwrap()
        };
        {
            let store = RedbStore::open_as_it_is(&path).unwrap();
            store.back_up(&copy).unwrap();
            assert!(!store.references(std::time::SystemTime::now()).unwrap().is_empty());
        }
        assert_eq!((schema(&path), schema(&copy)), (1, 1));
        // The copy is a store.
        assert_eq!(RedbStore::open(&copy).unwrap().active().unwrap().len(), 1);
        assert_eq!(schema(&copy), UPGRADES.len() as u64);
        assert!(RedbStore::open_as_it_is(&folder.path().join("none")).is_err());
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
        let content = |path: &Path| {
            let database = Database::open(path).unwrap();
            let meta = database.begin_read().unwrap().open_table(META).unwrap();
            let entries = meta.iter().unwrap().map(|entry| entry.unwrap());
            let entries = entries.map(|(key, value)| (key.value().to_owned(), value.value()));
            entries.collect::<Vec<_>>()
        };
        let before = content(&path);
        for opened in [RedbStore::open(&path), RedbStore::open_as_it_is(&path)] {
            let Err(error @ StoreError::Later { found: 99, .. }) = opened else {
                panic!("it opens");
            };
            let error = error.to_string();
            assert!(error.contains("run that version, or restore a backup"), "{error}");
        }
        assert_eq!(content(&path), before, "nothing in it has changed");
        let path = folder.path().join("garbage");
        fs::write(&path, [7; 5000]).unwrap();
        assert!(RedbStore::open(&path).is_err());
    }
}
