//! Removes jobs that ended long ago.

use super::StoreError;
use super::file::begin;
use super::redb::{ended_before, readable};
use super::schema::{DEDUP, EVENTS, EVENTS_OF, JOBS};
use crate::job::Job;
use redb::{Database, ReadableDatabase, ReadableTable};
use std::time::SystemTime;

/// Removes up to `limit` jobs that ended before a time, with results, events and dedup keys; returns their number.
///
/// # Errors
/// [`StoreError`].
pub fn expire(database: &Database, before: SystemTime, limit: usize) -> Result<usize, StoreError> {
    let is_old = |job: &Job| ended_before(job, before);
    // Searched in a read transaction, while others may write.
    let mut found = Vec::new();
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
    let mut n_expired = 0;
    {
        let mut jobs = write.open_table(JOBS)?;
        let mut dedup = write.open_table(DEDUP)?;
        let mut events = write.open_table(EVENTS)?;
        let mut index = write.open_table(EVENTS_OF)?;
        for number in found {
            // An operator may have reopened it since.
            let job = jobs
                .get(number)?
                .and_then(|record| readable(number, record.value()));
            let Some(job) = job.filter(is_old) else {
                continue;
            };
            n_expired += 1;
            jobs.remove(number)?;
            let key = &*job.spec.dedup_key;
            if !key.is_empty() {
                dedup.remove((&*job.tenant, key))?;
            }
            for entry in index.extract_from_if((number, 0)..=(number, u64::MAX), |_, ()| true)? {
                events.remove(entry?.0.value().1)?;
            }
        }
    }
    write.commit()?;
    Ok(n_expired)
}
