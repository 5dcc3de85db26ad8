//! The wgpu device: any adapter reachable through Vulkan or Metal, with kernels in WGSL.
//!
//! An operation records launches and returns; its ticket waits for the batch in which they are submitted. The Rust side
//! of an operation is next to its kernels (`ntt.rs`, `ntt.wgsl`). Data that does not fit in one binding is split: a
//! buffer is a list of chunks, and an operation works chunk by chunk, or copies strips of rows.

mod adapter;
mod compose;
mod context;
mod evaluate;
mod fold;
mod gather;
mod grind;
mod hash;
mod kernels;
mod memory;
mod ntt;
mod pipelines;
mod powers;
mod quotient;
mod rate;
mod scan;
mod strip;
mod tables;
mod transfer;

pub use adapter::AdapterOptions;
pub use context::Launches;
pub use memory::WgpuBuffer;

use crate::description::Description;
use crate::device::{
    Device, DeviceBuffer, DeviceError, Element, MemoryUsage, Pending, Tag, Ticket, check_range,
};
use crate::felt::Felt;
use crate::launch::scan::inversion_scratch;
use context::Context;
use kernels::{Kernel, Parameters, WORKGROUP};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tables::Tables;
use wgpu::Buffer;

/// Tag of the temporary memory that a launch needs beside its buffers.
const SCRATCH: Tag = Tag("scratch");

/// An adapter used as a device.
pub struct WgpuDevice {
    context: Arc<Context>,
    tables: Tables,
}

impl WgpuDevice {
    /// Starts adapter `index`. Its buffers may take `budget` bytes in total, by default nearly all of a GPU's own
    /// memory or half of the memory shared with the host (of 4 GiB, if the interface does not report its size). A
    /// software adapter is rejected unless `allow_software` is set.
    ///
    /// # Errors
    /// [`DeviceError::NoSuchDevice`], [`DeviceError::SoftwareOnly`], [`DeviceError::Start`] for other errors of the
    /// driver.
    pub fn new(index: usize, budget: Option<u64>, allow_software: bool) -> Result<Self, DeviceError> {
        let options = AdapterOptions {
            budget,
            ..AdapterOptions::new(allow_software)
        };
        Self::with_options(index, &options)
    }

    /// Starts adapter `index` with the given options.
    ///
    /// # Errors
    /// As [`WgpuDevice::new`].
    pub fn with_options(index: usize, options: &AdapterOptions) -> Result<Self, DeviceError> {
        let (started, budget, chunk_bytes) = adapter::start(index, options)?;
        Ok(Self {
            context: Context::new(started, budget, chunk_bytes)?,
            tables: Tables::default(),
        })
    }

    /// Describes the adapters of the machine without starting any.
    pub fn list() -> Vec<Description> {
        adapter::list()
    }

    /// Statistics of every kernel's launches since the last call.
    pub fn take_launches(&self) -> BTreeMap<&'static str, Launches> {
        self.context.take_launches()
    }

    /// Destroys the device, like a driver that resets a GPU: running and later work fails.
    #[cfg(any(test, feature = "laws"))]
    pub fn lose(&self) {
        self.context.device.destroy();
    }

    /// A ticket for the work recorded so far.
    fn ticket(&self) -> Ticket {
        let (context, batch) = (Arc::clone(&self.context), self.context.batch_number());
        Ticket::waiting(move || context.wait(batch))
    }

    /// Number of elements per chunk.
    fn chunk_len(&self) -> usize {
        (self.context.chunk_bytes / size_of::<Felt>() as u64) as usize
    }

    /// Launches one invocation for each of `n` items.
    fn launch(
        &self,
        kernel: Kernel,
        parameters: &Parameters,
        buffers: &[&Buffer],
        n: usize,
    ) -> Result<(), DeviceError> {
        let n_workgroups = n.div_ceil(WORKGROUP) as u64;
        self.context
            .launch(kernel, parameters.bytes(), buffers, n_workgroups, 1)
    }
}

impl Device for WgpuDevice {
    type Buffer<T: Element> = WgpuBuffer<T>;

    fn name(&self) -> String {
        self.context.name.clone()
    }

    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<WgpuBuffer<T>, DeviceError> {
        WgpuBuffer::zeroed(&self.context, len, tag)
    }

    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut WgpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        check_range("upload", at, from.len(), to.len())?;
        self.context.flush()?;
        to.memory.write(from, at)?;
        Ok(self.ticket())
    }

    fn download<T: Element>(
        &self,
        from: &WgpuBuffer<T>,
        range: Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        let range = check_range("download", range.start, range.len(), from.len())?;
        transfer::download(&self.context, &from.memory, range)
    }

    fn copy<T: Element>(
        &self,
        from: &WgpuBuffer<T>,
        range: Range<usize>,
        to: &mut WgpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        let range = check_range("copy", range.start, range.len(), from.len())?;
        check_range("copy", at, range.len(), to.len())?;
        transfer::copy::<T>(&self.context, (&from.memory, range), (&to.memory, at))?;
        Ok(self.ticket())
    }

    fn free_bytes(&self) -> Option<u64> {
        let held = self.context.accounts.current();
        Some(self.context.budget.saturating_sub(held))
    }

    fn memory_bytes(&self) -> Option<u64> {
        Some(self.context.budget)
    }

    fn inversion_scratch(&self, log_len: u32) -> u64 {
        // Chunks are inverted one after another.
        inversion_scratch(self.chunk_len().min(1 << log_len) as u64)
    }

    fn program_scratch(&self, n_registers: usize, table_lengths: &[usize], log_len: u32) -> u64 {
        compose::scratch(n_registers, table_lengths, 1 << log_len)
    }

    fn margin(&self, largest_table: usize) -> u64 {
        let copies = if largest_table > self.chunk_len() {
            self.context.chunk_bytes / strip::PARTS_OF_CHUNK as u64
        } else {
            0
        };
        crate::launch::tables::margin(largest_table) + copies
    }

    fn take_peak(&self) -> MemoryUsage {
        self.context.accounts.take_peak()
    }
}

#[cfg(test)]
mod shaders;
#[cfg(all(test, feature = "wgpu-software"))]
mod tests;
