//! A copy of a store, for a backup or a restore.

use super::file::{self, begin, keep_name};
use super::schema::{
    ACTIVE, DEDUP, DEVICE_TIME, EVENTS, EVENTS_OF, JOBS, JOBS_OF, LAST_RECEIPTS, META, NONCES,
    NONCES_BY_TIME, RECEIPTS, RECEIPTS_OF, RECORD_BYTES,
};
use super::{StoreError, home};
use redb::{Database, ReadableDatabase, ReadableTable, TableError};
use std::path::Path;

/// Copies all tables to a new file, as of one moment. The copy has no record of the file that holds it.
pub fn copy(database: &Database, to: &Path) -> Result<(), StoreError> {
    let read = database.begin_read()?;
    let copy = file::create(to)?;
    let write = begin(&copy)?;
    macro_rules! copy_tables {
        ($($table:expr),*) => {$({
            match read.open_table($table) {
                Ok(source) => {
                    let mut target = write.open_table($table)?;
                    for entry in source.iter()? {
                        let (key, value) = entry?;
                        target.insert(key.value(), value.value())?;
                    }
                }
                // An older schema lacks some of them.
                Err(TableError::TableDoesNotExist(_)) => {}
                Err(error) => return Err(error.into()),
            }
        })*};
    }
    copy_tables!(
        META,
        JOBS,
        JOBS_OF,
        ACTIVE,
        DEDUP,
        EVENTS,
        EVENTS_OF,
        DEVICE_TIME,
        RECORD_BYTES,
        NONCES,
        NONCES_BY_TIME,
        RECEIPTS,
        RECEIPTS_OF,
        LAST_RECEIPTS
    );
    home::leave(&write)?;
    write.commit()?;
    keep_name(to)
}
