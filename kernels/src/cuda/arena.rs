//! The memory that buffers come from: a pool of the driver's, which keeps what it once took.
//!
//! Memory is taken in the order of the work, so nothing waits. What a proof was planned to take is reserved before it
//! begins; others on the card have the rest.

use super::context::Context;
use super::driver::started;
use crate::device::{DeviceError, Tag};
use cudarc::driver::sys::{self, CUresult};
use std::ptr::null_mut;

/// Of the memory that is free on the card, so much is left to others: one part in so many.
const LEFT_TO_OTHERS: u64 = 16;

/// What is reserved beyond what was planned, where there is so much: the pool rounds. One part in so many, and so many bytes.
const MARGIN: (u64, u64) = (16, 32 << 20);

/// The pool, and what may be taken of it.
pub(super) struct Arena {
    pool: sys::CUmemoryPool,
    /// Bytes that buffers may take.
    pub(super) budget: u64,
    /// Bytes that they might if nobody else had any of the card's.
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
    /// Gives all memory back. The context is current, its work is done, and the pool is not used any more.
    pub(super) fn close(&self) {
        if !self.pool.is_null() {
            // SAFETY: made by `cuMemPoolCreate`, and destroyed once: by its context's `drop`.
            let _ = unsafe { sys::cuMemPoolDestroy(self.pool) };
        }
    }
}

/// The pool's properties: memory of that device, for this process alone.
fn pool_properties(device: sys::CUdevice) -> sys::CUmemPoolProps {
    // SAFETY: the driver asks for zeros where nothing is said.
    let mut properties: sys::CUmemPoolProps = unsafe { std::mem::zeroed() };
    properties.allocType = sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location.type_ = sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = device;
    properties
}

impl Context {
    /// Makes the pool. What it takes it keeps, so that no allocation waits for the system twice.
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
        let (_, total) = self.card_bytes()?;
        self.arena.most = budget.unwrap_or(total - total / LEFT_TO_OTHERS);
        if self.arena.budget > there {
            return Err(self.out_of_memory(Tag("arena"), self.arena.budget, there));
        }
        Ok(())
    }

    /// Bytes that the pool has taken from the card.
    fn reserved(&self) -> Result<u64, DeviceError> {
        let mut bytes = 0u64;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT;
        // SAFETY: the attribute is a 64-bit number.
        let result =
            unsafe { sys::cuMemPoolGetAttribute(self.arena.pool, attribute, (&raw mut bytes).cast()) };
        self.done("cuMemPoolGetAttribute", result)?;
        Ok(bytes)
    }

    /// Bytes of the card that nobody has, and all of its.
    fn card_bytes(&self) -> Result<(u64, u64), DeviceError> {
        self.enter()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: pointers are valid.
        self.done("cuMemGetInfo", unsafe {
            sys::cuMemGetInfo_v2(&mut free, &mut total)
        })?;
        Ok((free as u64, total as u64))
    }

    /// Bytes that the pool has or can take from the card.
    fn obtainable(&self) -> Result<u64, DeviceError> {
        let (free, _) = self.card_bytes()?;
        Ok(self.reserved()? + free - free / LEFT_TO_OTHERS)
    }

    /// Bytes that buffers can still take.
    pub(super) fn free_bytes(&self) -> u64 {
        // A driver that does not answer has nothing to give: the next call says why.
        let obtainable = self.obtainable().unwrap_or(0);
        obtainable
            .min(self.arena.budget)
            .saturating_sub(self.accounts.current())
    }

    /// Whether the pool has taken so many bytes from the card.
    pub(super) fn is_reserved(&self, bytes: u64) -> Result<bool, DeviceError> {
        self.enter()?;
        Ok(self.reserved()? >= bytes)
    }

    /// Takes so many bytes from the card for the pool, those that buffers hold among them, and some more if it has them.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), DeviceError> {
        // Pieces that are too small would lie beside the larger one.
        // SAFETY: the stream and the pool are alive; a trim frees only what nobody holds.
        unsafe {
            self.done("cuStreamSynchronize", sys::cuStreamSynchronize(self.work.0))?;
            self.done("cuMemPoolTrimTo", sys::cuMemPoolTrimTo(self.arena.pool, 0))?;
        }
        let held = self.accounts.current();
        let (part, more) = MARGIN;
        let with_margin = (bytes + bytes / part + more)
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

    /// Takes memory in the order of the work: what is enqueued later may use it. Its bytes are anything. Nothing if the card
    /// has not so much.
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

    /// Gives memory back once the work enqueued so far is done.
    pub(super) fn give_back_address(&self, address: sys::CUdeviceptr) {
        if self.enter().is_ok() {
            // SAFETY: the address is of this pool and is not used by work enqueued later. A failure is one of
            // earlier work, and the next wait reports it.
            let _ = unsafe { sys::cuMemFreeAsync(address, self.work.0) };
        }
    }
}
