//! Tables shared by operations, created when first needed.

use super::buffer::Allocation;
use super::context::Context;
use super::{CudaDevice, SCRATCH};
use crate::device::DeviceError;
use crate::felt::Felt;
use crate::launch::tables;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Logarithm of the largest transform that one block does.
pub(super) const LOG_TILE: u32 = 10;

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

/// The powers of a subgroup's generator in the kernels' form. Keeps their memory alive.
pub(super) struct RootTable {
    _memory: Arc<Allocation>,
    /// Argument of launches.
    pub(super) roots: Roots,
}

/// `Roots` of `powers.cuh`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Roots {
    low: u64,
    high: u64,
    log_low: u32,
    log_len: u32,
}

impl Tables {
    /// Drops the tables. Their memory is freed once its users are done.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl CudaDevice {
    fn table<T: Copy>(
        &self,
        key: Key,
        values: impl FnOnce() -> Vec<T>,
    ) -> Result<Arc<Allocation>, DeviceError> {
        let mut tables = self.tables.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&key) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(upload(&self.context, &values())?);
        tables.insert(key, Arc::clone(&table));
        Ok(table)
    }

    /// Twiddles for transforms of one tile: entry `half + j` is `g^j`, or its inverse, where `g` has order `2 half`.
    pub(super) fn twiddles(&self, inverse: bool) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Twiddles { inverse }, || tables::twiddles(LOG_TILE, inverse))
    }

    /// The powers of the generator of the subgroup of `2^log_len` elements.
    pub(super) fn roots(&self, log_len: u32) -> Result<RootTable, DeviceError> {
        let log_low = tables::log_low(log_len);
        let memory = self.table(Key::Roots { log_len }, || tables::roots(log_len))?;
        let roots = Roots {
            low: memory.address(),
            high: memory.address() + ((size_of::<Felt>() as u64) << log_low),
            log_low,
            log_len,
        };
        Ok(RootTable {
            _memory: memory,
            roots,
        })
    }

    /// The constants of Poseidon's rounds, in order.
    pub(super) fn poseidon_constants(&self) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Poseidon, tables::poseidon_constants)
    }

    /// The points of Pedersen's windows, 256 per window. The point at infinity is encoded as zeros.
    pub(super) fn pedersen_points(&self) -> Result<Arc<Allocation>, DeviceError> {
        self.table(Key::Pedersen, tables::pedersen_points)
    }
}

fn upload<T: Copy>(context: &Arc<Context>, values: &[T]) -> Result<Allocation, DeviceError> {
    Allocation::upload(context, values, SCRATCH)
}
