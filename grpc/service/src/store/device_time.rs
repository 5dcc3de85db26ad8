//! The device time of each tenant on its last day. One row a tenant, so that it never grows with the days.

use super::StoreError;
use super::file::begin;
use super::schema::DEVICE_TIME;
use redb::{Database, ReadableDatabase, ReadableTable};
use std::time::Duration;

/// Adds to the time of a tenant on a day; forgets other days. Returns the time of that day.
pub fn add(database: &Database, tenant: &str, day: u64, time: Duration) -> Result<Duration, StoreError> {
    let write = begin(database)?;
    let total = {
        let mut table = write.open_table(DEVICE_TIME)?;
        let before = of_day(&table, tenant, day)?;
        let added = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let total = before.saturating_add(added);
        table.insert(tenant, (day, total))?;
        total
    };
    write.commit()?;
    Ok(Duration::from_millis(total))
}

/// The time of a tenant on a day.
pub fn get(database: &Database, tenant: &str, day: u64) -> Result<Duration, StoreError> {
    let table = database.begin_read()?.open_table(DEVICE_TIME)?;
    Ok(Duration::from_millis(of_day(&table, tenant, day)?))
}

fn of_day(
    table: &impl ReadableTable<&'static str, (u64, u64)>,
    tenant: &str,
    day: u64,
) -> Result<u64, StoreError> {
    let found = table.get(tenant)?.map(|row| row.value());
    Ok(found.filter(|(of, _)| *of == day).map_or(0, |(_, time)| time))
}
