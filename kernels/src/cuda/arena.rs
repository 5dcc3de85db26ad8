//! The memory behind buffers: a driver's memory pool, which keeps the memory it has taken.
//!
//! Memory is allocated in stream order, so nothing waits. The memory planned for a proof is reserved before the proof
//! begins; the rest is left to other users of the GPU.

use super::context::Context;
use super::driver::started;
use crate::device::{DeviceError, Tag};
use cudarc::driver::sys::{self, CUresult};
use std::ptr::null_mut;

/// Part of the GPU's free memory that is left to other users: one part in this many.
const LEFT_TO_OTHERS: u64 = 16;

/// Margin reserved beyond the plan if there is enough memory, because the pool rounds: one part in this many, plus this
/// many bytes.
const MARGIN_PART: u64 = 16;
const MARGIN_BYTES: u64 = 32 << 20;

/// The memory pool and its limits.
pub(super) struct Arena {
    pool: sys::CUmemoryPool,
    /// Bytes that buffers may take.
    pub(super) budget: u64,
    /// Bytes that buffers could take if the GPU had no other users.
    pub(super) most: u64,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            pool: null_mut(),
            budget: 0,
            most: 0,
        }
    }
}

impl Arena {
    /// Frees all memory. The context must be current, its work done, and the pool no longer in use.
    pub(super) fn close(&self) {
        if !self.pool.is_null() {
            // SAFETY: created by `cuMemPoolCreate`, and destroyed once: by its context's `drop`.
            let _ = unsafe { sys::cuMemPoolDestroy(self.pool) };
        }
    }
}

/// The pool's properties: memory of `device`, for this process only.
fn pool_properties(device: sys::CUdevice) -> sys::CUmemPoolProps {
    // SAFETY: the driver requires zeros in fields that are not set.
    let mut properties: sys::CUmemPoolProps = unsafe { std::mem::zeroed() };
    properties.allocType = sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location.type_ = sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = device;
    properties
}

impl Context {
    /// Creates the pool. It keeps the memory it takes, so that no allocation waits for the system twice.
    pub(super) fn open_arena(&mut self, budget: Option<u64>) -> Result<(), DeviceError> {
        let mut keep = u64::MAX;
        let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        // SAFETY: pointers are valid; the attribute is a 64-bit number.
        unsafe {
            let properties = pool_properties(self.device);
            started(sys::cuMemPoolCreate(&mut self.arena.pool, &properties))?;
            let keep = (&raw mut keep).cast();
            started(sys::cuMemPoolSetAttribute(self.arena.pool, threshold, keep))?;
        }
        let there = self.obtainable()?;
        self.arena.budget = budget.unwrap_or(there);
        let (_, total) = self.gpu_bytes()?;
        self.arena.most = budget.unwrap_or(total - total / LEFT_TO_OTHERS);
        if self.arena.budget > there {
            return Err(self.out_of_memory(Tag("arena"), self.arena.budget, there));
        }
        Ok(())
    }

    /// Bytes that the pool has taken from the GPU.
    fn reserved(&self) -> Result<u64, DeviceError> {
        let mut bytes = 0u64;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT;
        // SAFETY: the attribute is a 64-bit number.
        let result =
            unsafe { sys::cuMemPoolGetAttribute(self.arena.pool, attribute, (&raw mut bytes).cast()) };
        self.done("cuMemPoolGetAttribute", result)?;
        Ok(bytes)
    }

    /// Free and total bytes of the GPU.
    fn gpu_bytes(&self) -> Result<(u64, u64), DeviceError> {
        self.enter()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: pointers are valid.
        self.done("cuMemGetInfo", unsafe {
            sys::cuMemGetInfo_v2(&mut free, &mut total)
        })?;
        Ok((free as u64, total as u64))
    }

    /// Bytes that the pool has taken or can take from the GPU.
    fn obtainable(&self) -> Result<u64, DeviceError> {
        let (free, _) = self.gpu_bytes()?;
        Ok(self.reserved()? + free - free / LEFT_TO_OTHERS)
    }

    /// Bytes that buffers can still take.
    pub(super) fn free_bytes(&self) -> u64 {
        // If the driver does not answer, 0 is reported; the next call returns the error.
        let obtainable = self.obtainable().unwrap_or(0);
        obtainable
            .min(self.arena.budget)
            .saturating_sub(self.accounts.current())
    }

    /// Whether the pool has taken this many bytes from the GPU.
    pub(super) fn is_reserved(&self, bytes: u64) -> Result<bool, DeviceError> {
        self.enter()?;
        Ok(self.reserved()? >= bytes)
    }

    /// Makes the pool take this many bytes from the GPU, including those that buffers hold, and a margin if available.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), DeviceError> {
        // Free pieces are released first: smaller ones would remain beside the larger one.
        // SAFETY: the stream and the pool are alive; a trim frees only unused memory.
        unsafe {
            self.done("cuStreamSynchronize", sys::cuStreamSynchronize(self.work.0))?;
            self.done("cuMemPoolTrimTo", sys::cuMemPoolTrimTo(self.arena.pool, 0))?;
        }
        let held = self.accounts.current();
        let with_margin = (bytes + bytes / MARGIN_PART + MARGIN_BYTES)
            .min(self.arena.budget)
            .min(self.obtainable()?);
        for bytes in [with_margin.max(bytes), bytes] {
            if bytes <= held {
                return Ok(());
            }
            if let Some(rest) = self.take_address(bytes - held)? {
                self.give_back_address(rest);
                return Ok(());
            }
        }
        Err(self.out_of_memory(Tag("arena"), bytes - held, self.free_bytes()))
    }

    /// Allocates memory in stream order: work enqueued later may use it. Its contents are arbitrary. `None` if the GPU
    /// does not have enough memory.
    pub(super) fn take_address(&self, bytes: u64) -> Result<Option<sys::CUdeviceptr>, DeviceError> {
        self.enter()?;
        let mut address = 0;
        let Ok(n) = usize::try_from(bytes) else {
            return Ok(None);
        };
        // SAFETY: the pool and the stream are alive.
        let result = unsafe { sys::cuMemAllocFromPoolAsync(&mut address, n, self.arena.pool, self.work.0) };
        if result == CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            return Ok(None);
        }
        self.done("cuMemAllocFromPoolAsync", result)?;
        Ok(Some(address))
    }

    /// Frees memory once the work enqueued so far is done.
    pub(super) fn give_back_address(&self, address: sys::CUdeviceptr) {
        if self.enter().is_ok() {
            // SAFETY: the address belongs to this pool and is not used by work enqueued later. A failure belongs to
            // earlier work, and the next wait reports it.
            let _ = unsafe { sys::cuMemFreeAsync(address, self.work.0) };
        }
    }
}
