//! The CUDA device: one stream of work on one GPU, with kernels from one module.
//!
//! An operation enqueues kernels and returns; its ticket waits for the event after them. The Rust side of an operation
//! is next to its kernels (`ntt.rs`, `ntt.cu`). Kernels are written in the dialect of `platform.cuh`, so that tests can
//! run the same source on the host.

mod arena;
mod buffer;
mod compose;
mod context;
mod driver;
#[cfg(feature = "cuda-emulation")]
pub mod emulation;
mod fold;
mod gather;
mod grind;
mod hash;
mod kernels;
mod module;
mod ntt;
mod page_lock;
mod powers;
mod quotient;
mod rate;
mod scan;
mod staging;
mod tables;

pub use buffer::CudaBuffer;
pub use page_lock::PageLock;

use crate::columns::{Columns, Order};
use crate::description::Description;
use crate::device::{
    Device, DeviceBuffer, DeviceError, Element, MemoryUsage, Pending, Tag, Ticket, check_range,
};
use context::Context;
use std::ops::Range;
use std::sync::Arc;
use tables::Tables;

/// Tag of the temporary memory that a launch needs beside its buffers.
const SCRATCH: Tag = Tag("scratch");

/// A CUDA GPU.
pub struct CudaDevice {
    context: Arc<Context>,
    tables: Tables,
}

impl CudaDevice {
    /// Starts GPU `index`. Buffers may take `budget` bytes of its memory, by default nearly all that is free. The
    /// bytes are taken when they are reserved or needed, so that small proofs can share a GPU.
    ///
    /// # Errors
    /// [`DeviceError::DriverMissing`], [`DeviceError::DriverTooOld`], [`DeviceError::NoSuchDevice`],
    /// [`DeviceError::OutOfMemory`] if the GPU has less than the budget, [`DeviceError::Start`] for other errors of
    /// the driver.
    pub fn new(index: usize, budget: Option<u64>) -> Result<Self, DeviceError> {
        Ok(Self {
            context: Context::start(index, budget)?,
            tables: Tables::default(),
        })
    }

    /// Number of GPUs.
    ///
    /// # Errors
    /// As [`CudaDevice::new`].
    pub fn count() -> Result<usize, DeviceError> {
        driver::device_count()
    }

    /// Describes the GPUs without starting any.
    ///
    /// # Errors
    /// As [`CudaDevice::new`].
    pub fn list() -> Result<Vec<Description>, DeviceError> {
        driver::list()
    }

    /// A ticket for the work enqueued so far.
    fn ticket(&self) -> Result<Ticket, DeviceError> {
        let (context, event) = (Arc::clone(&self.context), self.context.event(self.context.work)?);
        Ok(Ticket::waiting(move || context.wait(&event)))
    }

    /// Downloads `len` elements from an address.
    ///
    /// # Safety
    /// There must be `len` elements at `from`.
    unsafe fn download_from<T: Element>(
        &self,
        from: u64,
        len: usize,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        if len == 0 {
            return Ok(Pending::ready(Vec::new()));
        }
        // SAFETY: by contract.
        let download = unsafe { self.context.download_bytes(from, len * size_of::<T>())? };
        Ok(Pending::waiting(move || {
            let mut elements: Vec<T> = Vec::with_capacity(len);
            // SAFETY: the bytes of `len` elements are written, and any bytes that the device holds are valid elements.
            unsafe {
                download.finish(elements.as_mut_ptr().cast())?;
                elements.set_len(len);
            }
            Ok(elements)
        }))
    }
}

impl Device for CudaDevice {
    type Buffer<T: Element> = CudaBuffer<T>;

    fn name(&self) -> String {
        self.context.name.clone()
    }

    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<CudaBuffer<T>, DeviceError> {
        CudaBuffer::zeroed(&self.context, len, tag)
    }

    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut CudaBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        let range = check_range("upload", at, from.len(), to.len())?;
        // SAFETY: both sides are as long as `from`.
        unsafe {
            self.context.upload_bytes(
                self.context.work,
                from.as_ptr().cast(),
                to.address(range.start),
                size_of_val(from),
            )?;
        }
        self.ticket()
    }

    fn download<T: Element>(
        &self,
        from: &CudaBuffer<T>,
        range: Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        let range = check_range("download", range.start, range.len(), from.len())?;
        // SAFETY: the range lies in the buffer.
        unsafe { self.download_from(from.address(range.start), range.len()) }
    }

    fn copy<T: Element>(
        &self,
        from: &CudaBuffer<T>,
        range: Range<usize>,
        to: &mut CudaBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        let range = check_range("copy", range.start, range.len(), from.len())?;
        let to_range = check_range("copy", at, range.len(), to.len())?;
        let bytes = range.len() * size_of::<T>();
        if bytes > 0 {
            // SAFETY: both ranges lie in their buffers, which are distinct.
            unsafe {
                self.context
                    .copy_across(from.address(range.start), to.address(to_range.start), bytes)?;
            }
        }
        self.ticket()
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.context.free_bytes())
    }

    fn memory_bytes(&self) -> Option<u64> {
        Some(self.context.arena.most)
    }

    fn reserve(&self, bytes: u64) -> Result<(), DeviceError> {
        if !self.context.is_reserved(bytes)? {
            // The tables lie in memory that is freed to make room for a larger piece.
            self.tables.forget();
            self.context.reserve(bytes)?;
        }
        Ok(())
    }

    fn inversion_scratch(&self, log_len: u32) -> u64 {
        scan::inversion_scratch(1 << log_len)
    }

    fn program_scratch(&self, n_registers: usize, _table_lengths: &[usize], log_len: u32) -> u64 {
        compose::scratch(&self.context, n_registers, log_len)
    }

    fn margin(&self, largest_table: usize) -> u64 {
        crate::launch::tables::margin(largest_table)
    }

    fn take_peak(&self) -> MemoryUsage {
        self.context.accounts.take_peak()
    }
}

impl<O: Order> Columns<CudaDevice, O> {
    /// Columns with arbitrary contents, for an operation that writes all of them.
    fn unwritten(device: &CudaDevice, n_columns: usize, log_len: u32, tag: Tag) -> Result<Self, DeviceError> {
        let buffer = CudaBuffer::unwritten(&device.context, n_columns << log_len, tag)?;
        Self::from_buffer(buffer, n_columns, log_len)
    }

    /// Address of a column's first element.
    fn column_address(&self, column: usize) -> u64 {
        self.values().address(column << self.log_len())
    }
}

#[cfg(all(test, feature = "cuda-emulation", feature = "cpu"))]
mod tests;
