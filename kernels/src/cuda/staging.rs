//! Page-locked host memory, through which bytes are copied to and from a device while the host continues.

use super::context::{Context, Stream};
use super::driver::Event;
use super::page_lock::is_page_locked;
use crate::device::{DeviceError, Tag};
use cudarc::driver::sys::{self, CUresult};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that an upload copies at once.
const CHUNK: usize = 16 << 20;

/// Maximum bytes of kept blocks. Beyond this, an upload waits for an earlier one.
const KEPT: usize = 8 * CHUNK;

/// Threads that copy an upload's chunks. A single thread is slower than the bus.
const N_COPYING_THREADS: usize = 4;

/// Minimum size of a block.
const MIN_BLOCK_BYTES: usize = 64 << 10;

/// A block of page-locked memory. Locking pages is slow, so blocks are kept and reused.
pub(super) struct Block {
    memory: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: plain memory with one owner.
unsafe impl Send for Block {}

/// The blocks not in use, each with the event that marks the end of its last use.
#[derive(Default)]
pub(super) struct Staging(Mutex<Vec<(Block, Option<Event>)>>);

impl Staging {
    fn blocks(&self) -> MutexGuard<'_, Vec<(Block, Option<Event>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the kept blocks. The context must be current and its work done.
    pub(super) fn free(&self) {
        for (block, _) in self.blocks().drain(..) {
            // SAFETY: made by `cuMemHostAlloc`.
            let _ = unsafe { sys::cuMemFreeHost(block.memory.as_ptr()) };
        }
    }
}

impl Context {
    fn take_block(&self, bytes: usize) -> Result<Block, DeviceError> {
        if let Some((block, event)) = self.kept_block(bytes) {
            event.map_or(Ok(()), |event| self.wait(&event))?;
            return Ok(block);
        }
        self.enter()?;
        let bytes = bytes.next_power_of_two().max(MIN_BLOCK_BYTES);
        let mut memory = null_mut();
        // SAFETY: the driver writes the pointer.
        let result = unsafe { sys::cuMemHostAlloc(&mut memory, bytes, 0) };
        match (result, NonNull::new(memory)) {
            (CUresult::CUDA_SUCCESS, Some(memory)) => Ok(Block { memory, bytes }),
            (CUresult::CUDA_SUCCESS | CUresult::CUDA_ERROR_OUT_OF_MEMORY, _) => {
                Err(self.out_of_memory(Tag("page-locked host memory"), bytes as u64, 0))
            }
            (error, _) => Err(self.failed("cuMemHostAlloc", error)),
        }
    }

    /// A kept block that is large enough: a free one or, if enough blocks are kept, one to wait for.
    fn kept_block(&self, bytes: usize) -> Option<(Block, Option<Event>)> {
        let mut blocks = self.staging.blocks();
        let is_free = |event: &Option<Event>| event.as_ref().is_none_or(|event| self.is_done(event));
        let large_enough = |(block, _): &(Block, Option<Event>)| block.bytes >= bytes;
        let free = blocks
            .iter()
            .position(|kept| large_enough(kept) && is_free(&kept.1));
        let kept: usize = blocks.iter().map(|(block, _)| block.bytes).sum();
        let to_wait_for = || {
            let first = blocks.iter().position(large_enough);
            first.filter(|_| kept + bytes > KEPT)
        };
        let chosen = free.or_else(to_wait_for)?;
        Some(blocks.remove(chosen))
    }

    fn keep_block(&self, block: Block, event: Option<Event>) {
        let mut blocks = self.staging.blocks();
        let kept: usize = blocks.iter().map(|(block, _)| block.bytes).sum();
        if kept + block.bytes <= KEPT {
            blocks.push((block, event));
            return;
        }
        drop(blocks);
        if let Some(event) = event {
            let _ = self.wait(&event);
        }
        if self.enter().is_ok() {
            // SAFETY: made by `cuMemHostAlloc`, and its last use is over.
            let _ = unsafe { sys::cuMemFreeHost(block.memory.as_ptr()) };
        }
    }

    /// Copies bytes to the device on `stream`. They are read before this call returns.
    ///
    /// # Safety
    /// `bytes` bytes must be valid on both sides.
    pub(super) unsafe fn upload_bytes(
        &self,
        stream: Stream,
        from: *const u8,
        to: u64,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.enter()?;
        if bytes > CHUNK && is_page_locked(from) {
            // SAFETY: by contract; the next line waits for the copy.
            unsafe { self.copy_up(stream, from.cast(), to, bytes)? };
            return self.wait(&self.event(stream)?);
        }
        // SAFETY: by contract; padding between fields may be uninitialised.
        let from = unsafe { std::slice::from_raw_parts(from.cast::<MaybeUninit<u8>>(), bytes) };
        let chunks = from.chunks(CHUNK);
        let n_threads = chunks.len().min(N_COPYING_THREADS);
        if n_threads < 2 {
            return chunks.into_iter().try_for_each(|chunk| {
                // SAFETY: this is the only chunk, and `to` has room for it.
                unsafe { self.upload_chunk(stream, chunk, to) }
            });
        }
        let chunks = Mutex::new(chunks.enumerate());
        let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
        let upload = || -> Result<(), DeviceError> {
            self.enter()?;
            while let Some((i, chunk)) = next() {
                // SAFETY: `to` has room for all chunks, and this one begins at its offset.
                unsafe { self.upload_chunk(stream, chunk, to + (i * CHUNK) as u64)? };
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(upload)).collect();
            let mut result = upload();
            for other in others {
                let other = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result = result.and(other);
            }
            result
        })
    }

    /// Copies a chunk into a block, and from there to the device.
    ///
    /// # Safety
    /// `to` must have room for the chunk.
    unsafe fn upload_chunk(
        &self,
        stream: Stream,
        chunk: &[MaybeUninit<u8>],
        to: u64,
    ) -> Result<(), DeviceError> {
        let block = self.take_block(chunk.len())?;
        // SAFETY: the block is as long as the chunk, and lives until the event after the copy.
        unsafe {
            let staged = block.memory.as_ptr();
            std::ptr::copy_nonoverlapping(chunk.as_ptr(), staged.cast(), chunk.len());
            self.copy_up(stream, staged, to, chunk.len())?;
        }
        // Without an event the stream is broken and the copy may not have been made, so the block is not reused.
        let event = self.event(stream)?;
        self.keep_block(block, Some(event));
        Ok(())
    }

    /// Starts copying bytes from the device into a block.
    ///
    /// # Safety
    /// `bytes` bytes must be valid on the device.
    pub(super) unsafe fn download_bytes(
        self: &Arc<Self>,
        from: u64,
        bytes: usize,
    ) -> Result<Download, DeviceError> {
        self.enter()?;
        let block = self.take_block(bytes)?;
        // SAFETY: the block has this many bytes, and lives until the event after the copy.
        unsafe { self.copy_down(from, block.memory.as_ptr(), bytes)? };
        let event = self.event(self.work)?;
        Ok(Download {
            context: Arc::clone(self),
            landed: Some((block, event)),
            bytes,
        })
    }
}

/// A download in progress.
pub(super) struct Download {
    context: Arc<Context>,
    landed: Option<(Block, Event)>,
    bytes: usize,
}

impl Download {
    /// Waits for the bytes and copies them to `to`.
    ///
    /// # Safety
    /// `to` must be valid for writing the bytes of the download.
    pub(super) unsafe fn finish(mut self, to: *mut u8) -> Result<(), DeviceError> {
        let Some((block, event)) = self.landed.take() else {
            return Ok(());
        };
        self.context.wait(&event)?;
        // SAFETY: the work is done, and `to` has room by contract.
        unsafe { std::ptr::copy_nonoverlapping(block.memory.as_ptr().cast(), to, self.bytes) };
        self.context.keep_block(block, None);
        Ok(())
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some((block, event)) = self.landed.take() {
            self.context.keep_block(block, Some(event));
        }
    }
}
