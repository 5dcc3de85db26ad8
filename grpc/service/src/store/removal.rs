//! Removes ended jobs from the embedded store, with their results, events and dedup keys.

use super::StoreError;
use super::file::begin;
use super::records::{count_bytes, find_to_write, readable};
use super::redb::ended_before;
use super::schema::{DEDUP, EVENTS, EVENTS_OF, JOBS, JOBS_OF, RECEIPTS, RECEIPTS_OF};
use crate::job::Job;
use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};
use std::time::SystemTime;

/// Removes a job that has ended; returns it.
pub fn delete(database: &Database, id: &str) -> Result<Job, StoreError> {
    let write = begin(database)?;
    let found = find_to_write(&write, id)?;
    if !found.1.has_ended() {
        return Err(StoreError::Active(id.to_owned()));
    }
    remove(&write, std::slice::from_ref(&found))?;
    write.commit()?;
    Ok(found.1)
}

/// Removes up to `limit` jobs that ended before a time; returns their number.
pub fn expire(database: &Database, before: SystemTime, limit: usize) -> Result<usize, StoreError> {
    let is_old = |job: &Job| ended_before(job, before);
    let mut found = Vec::new();
    // Searched in a read transaction, while others may write.
    for entry in database.begin_read()?.open_table(JOBS)?.iter()? {
        let (number, record) = entry?;
        if readable(number.value(), record.value()).is_some_and(|job| is_old(&job)) {
            found.push(number.value());
        }
        if found.len() >= limit {
            break;
        }
    }
    if found.is_empty() {
        return Ok(0);
    }
    let write = begin(database)?;
    let mut expired = Vec::new();
    {
        let jobs = write.open_table(JOBS)?;
        for number in found {
            // An operator may have reopened it since, or a client deleted it.
            let record = jobs.get(number)?;
            let job = record.and_then(|record| readable(number, record.value()));
            expired.extend(job.filter(is_old).map(|job| (number, job)));
        }
    }
    remove(&write, &expired)?;
    write.commit()?;
    Ok(expired.len())
}

/// Removes jobs that have ended.
fn remove(write: &WriteTransaction, ended: &[(u64, Job)]) -> Result<(), StoreError> {
    let mut jobs = write.open_table(JOBS)?;
    let mut dedup = write.open_table(DEDUP)?;
    let mut events = write.open_table(EVENTS)?;
    let mut index = write.open_table(EVENTS_OF)?;
    let mut jobs_of = write.open_table(JOBS_OF)?;
    let mut receipts = write.open_table(RECEIPTS)?;
    let mut receipts_of = write.open_table(RECEIPTS_OF)?;
    for (number, job) in ended {
        jobs_of.remove((&*job.tenant, *number))?;
        if let Some(receipt) = receipts_of.remove(number)? {
            receipts.remove(receipt.value())?;
        }
        let record = jobs.remove(number)?;
        let mut bytes = record.map_or(0, |record| record.value().len());
        let key = &*job.spec.dedup_key;
        if !key.is_empty() {
            dedup.remove((&*job.tenant, key))?;
        }
        for entry in index.extract_from_if((*number, 0)..=(*number, u64::MAX), |_, ()| true)? {
            let event = events.remove(entry?.0.value().1)?;
            bytes += event.map_or(0, |event| event.value().len());
        }
        count_bytes(write, &job.tenant, 0, bytes as u64)?;
    }
    Ok(())
}
