//! The CPU device: rayon over strips, blocks and tiles. Operations are synchronous, so tickets are ready at once.

mod buffer;
mod compose;
mod fold;
mod gather;
mod grind;
mod hash;
mod ntt;
mod powers;
mod quotient;
mod scan;
mod tiles;

pub use buffer::CpuBuffer;

use crate::columns::{Columns, Order};
use crate::device::{Device, DeviceError, Element, MemoryUsage, Pending, Tag, Ticket, check_range};
use crate::felt::Felt;
use crate::memory::Accounts;
use powers::Roots;
use std::ops::Range;
use std::sync::Arc;

/// The host's processors as a device. Operations run in the device's own thread pool.
///
/// Memory statistics count buffers only. An operation also needs temporary memory: twiddles as large as one column, and
/// tiles of some hundred KiB per thread.
pub struct CpuDevice {
    pool: rayon::ThreadPool,
    accounts: Arc<Accounts>,
    roots: Roots,
}

impl CpuDevice {
    /// A device with `n_threads` threads, by default one per processor.
    ///
    /// # Errors
    /// [`DeviceError::Start`] if the threads cannot be started.
    pub fn new(n_threads: Option<usize>) -> Result<Self, DeviceError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads.unwrap_or(0))
            .build()
            .map_err(|error| DeviceError::Start {
                device: "CPU",
                reason: error.to_string(),
            })?;
        Ok(Self {
            pool,
            accounts: Arc::default(),
            roots: Roots::default(),
        })
    }

    /// Number of threads that operations use.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }
}

impl Device for CpuDevice {
    type Buffer<T: Element> = CpuBuffer<T>;

    fn name(&self) -> String {
        format!("CPU, {} threads", self.n_threads())
    }

    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<CpuBuffer<T>, DeviceError> {
        CpuBuffer::zeroed(len, tag, &self.accounts)
    }

    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut CpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        let to = to.as_mut_slice();
        let range = check_range("upload", at, from.len(), to.len())?;
        to[range].copy_from_slice(from);
        Ok(Ticket::ready())
    }

    fn download<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        range: Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        let from = from.as_slice();
        let range = check_range("download", range.start, range.len(), from.len())?;
        Ok(Pending::ready(from[range].to_vec()))
    }

    fn copy<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        range: Range<usize>,
        to: &mut CpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        let from = from.as_slice();
        let range = check_range("copy", range.start, range.len(), from.len())?;
        self.upload(&from[range], to, at)
    }

    fn take_peak(&self) -> MemoryUsage {
        self.accounts.take_peak()
    }
}

impl<O: Order> Columns<CpuDevice, O> {
    /// All elements, column after column.
    fn elements(&self) -> &[Felt] {
        self.values().as_slice()
    }

    /// All elements, column after column.
    fn elements_mut(&mut self) -> &mut [Felt] {
        self.values_mut().as_mut_slice()
    }

    /// The elements of one column.
    fn column(&self, column: usize) -> &[Felt] {
        &self.elements()[column << self.log_len()..(column + 1) << self.log_len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::laws;

    /// Three threads, so that work is split unevenly.
    fn device() -> CpuDevice {
        CpuDevice::new(Some(3)).unwrap()
    }

    macro_rules! tests {
        ($($law:ident,)*) => {
            $(#[test]
            fn $law() {
                laws::$law(&device());
            })*
        };
    }

    crate::for_each_law!(tests);

    #[test]
    fn threads_do_not_change_results() {
        let one = CpuDevice::new(Some(1)).unwrap();
        assert_eq!(one.n_threads(), 1);
        laws::interpolate_and_evaluate(&one);
        laws::cumulative_value(&one);
        laws::permutation_product(&one);
        laws::grind(&one);
    }
}
