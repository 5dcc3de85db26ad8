//! Tables shared by operations, created when first needed.

use super::memory::Allocation;
use super::{SCRATCH, WgpuDevice};
use crate::device::DeviceError;
use crate::felt::Felt;
use crate::launch::tables;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Twiddles { inverse: bool },
    Roots { log_len: u32 },
    Poseidon,
    Pedersen,
}

/// The tables created so far.
#[derive(Default)]
pub(super) struct Tables(Mutex<HashMap<Key, Arc<Allocation>>>);

impl WgpuDevice {
    fn table(&self, key: Key, values: impl FnOnce() -> Vec<Felt>) -> Result<Arc<Allocation>, DeviceError> {
        let mut tables = self.tables.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&key) {
            return Ok(Arc::clone(table));
        }
        let table = Allocation::upload_table(&self.context, &values(), SCRATCH)?;
        table.whole()?;
        let table = Arc::new(table);
        tables.insert(key, Arc::clone(&table));
        Ok(table)
    }

    /// The twiddles of a tile.
    pub(super) fn twiddles(&self, inverse: bool) -> Result<Arc<Allocation>, DeviceError> {
        let log_tile = self.context.pipelines.variant().log_tile;
        self.table(Key::Twiddles { inverse }, || tables::twiddles(log_tile, inverse))
    }

    /// The powers of the generator of the subgroup of `2^log_len` elements.
    pub(super) fn roots(&self, log_len: u32) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Roots { log_len }, || tables::roots(log_len))
    }

    /// The constants of Poseidon's rounds, in order.
    pub(super) fn poseidon_constants(&self) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Poseidon, tables::poseidon_constants)
    }

    /// The points of Pedersen's windows.
    pub(super) fn pedersen_points(&self) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Pedersen, tables::pedersen_points)
    }
}
