//! Records of the embedded store: one for each job, and one for each event.

use super::StoreError;
use super::damage::{damaged, lost};
use super::schema::{DEDUP, EVENTS, EVENTS_OF, JOBS, LAST_EVENT, RECORD_BYTES, next};
use crate::internal::StoredJob;
use crate::job::Job;
use prost::Message;
use quarry_client::protocol::JobEvent;
use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};
use std::time::SystemTime;

/// Decodes one record of many. A damaged one is logged and skipped.
pub fn readable(number: u64, record: &[u8]) -> Option<Job> {
    decode(record)
        .inspect_err(|error| tracing::error!(number, %error, "skipping the damaged record of a job"))
        .ok()
}

/// The job with a number.
pub fn find(database: &Database, number: u64) -> Result<Option<Job>, StoreError> {
    let read = database.begin_read()?;
    let record = read.open_table(JOBS)?.get(number)?;
    record.map(|record| decode(record.value())).transpose()
}

/// The job with an id and its number, in a transaction that will change it.
pub fn find_to_write(write: &WriteTransaction, id: &str) -> Result<(u64, Job), StoreError> {
    let not_found = || StoreError::NotFound(id.to_owned());
    let number = number_of(id).ok_or_else(not_found)?;
    let jobs = write.open_table(JOBS)?;
    let found = jobs
        .get(number)?
        .map(|record| decode(record.value()))
        .transpose()?;
    let job = found.filter(|job| job.id == id).ok_or_else(not_found)?;
    Ok((number, job))
}

/// The tenant's job with this dedup key, if it is not empty.
pub fn of_dedup_key(write: &WriteTransaction, tenant: &str, key: &str) -> Result<Option<Job>, StoreError> {
    if key.is_empty() {
        return Ok(None);
    }
    let by_key = write.open_table(DEDUP)?;
    let Some(number) = by_key.get((tenant, key))?.map(|number| number.value()) else {
        return Ok(None);
    };
    let jobs = write.open_table(JOBS)?;
    let record = jobs.get(number)?.ok_or_else(|| lost("job", number))?;
    decode(record.value()).map(Some)
}

/// Writes a job and the event for its change.
pub fn record(write: &WriteTransaction, number: u64, mut job: Job) -> Result<Job, StoreError> {
    let cursor = next(write, LAST_EVENT)?;
    // A clock that was set back must not make the time go back.
    job.updated = job.updated.max(SystemTime::now());
    job.last_event = cursor;
    if job.first_event == 0 {
        job.first_event = cursor;
    }
    let event = JobEvent::from(&job).encode_to_vec();
    write.open_table(EVENTS)?.insert(cursor, &*event)?;
    write.open_table(EVENTS_OF)?.insert((number, cursor), ())?;
    let record = StoredJob::from(job.clone()).encode_to_vec();
    let added = event.len() + record.len();
    let removed = {
        let mut jobs = write.open_table(JOBS)?;
        let before = jobs.insert(number, &*record)?;
        before.map_or(0, |before| before.value().len())
    };
    count_bytes(write, &job.tenant, added as u64, removed as u64)?;
    Ok(job)
}

/// Changes the count of the bytes that a tenant's records take.
pub fn count_bytes(
    write: &WriteTransaction,
    tenant: &str,
    added: u64,
    removed: u64,
) -> Result<(), StoreError> {
    let mut table = write.open_table(RECORD_BYTES)?;
    let before = table.get(tenant)?.map_or(0, |before| before.value());
    match before.saturating_add(added).saturating_sub(removed) {
        0 => drop(table.remove(tenant)?),
        bytes => drop(table.insert(tenant, bytes)?),
    }
    Ok(())
}

/// Bytes that a tenant's records take.
pub fn bytes_of(database: &Database, tenant: &str) -> Result<u64, StoreError> {
    let table = database.begin_read()?.open_table(RECORD_BYTES)?;
    Ok(table.get(tenant)?.map_or(0, |bytes| bytes.value()))
}

/// The job's submission number, which its id begins with.
pub fn number_of(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(..16)?, 16).ok()
}

/// Decodes the record of an event.
pub fn event(record: &[u8]) -> Result<JobEvent, StoreError> {
    JobEvent::decode(record).map_err(damaged)
}

/// Decodes the record of a job.
pub fn decode(record: &[u8]) -> Result<Job, StoreError> {
    let record = StoredJob::decode(record).map_err(damaged)?;
    Job::of_record(record).ok_or_else(|| damaged("a record without a job"))
}
