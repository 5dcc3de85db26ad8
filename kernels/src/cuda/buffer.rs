//! Memory of a CUDA device.

use super::context::Context;
use crate::device::{DeviceBuffer, DeviceError, Element, Tag};
use std::marker::PhantomData;
use std::sync::Arc;

/// Bytes on the device, counted under their tag while they are held.
pub(super) struct Memory {
    context: Arc<Context>,
    address: u64,
    bytes: u64,
    tag: Tag,
}

impl Memory {
    /// Takes memory for `len` values of any kind. Its bytes are anything.
    pub(super) fn take<T>(context: &Arc<Context>, len: usize, tag: Tag) -> Result<Self, DeviceError> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        let mut this = Self {
            context: Arc::clone(context),
            address: 0,
            bytes: 0,
            tag,
        };
        if bytes > 0 {
            let taken = context.accounts.take_within(tag, bytes, context.arena.budget);
            taken.map_err(|free| context.out_of_memory(tag, bytes, free))?;
            // From here on `drop` gives back what was counted.
            this.bytes = bytes;
            let Some(address) = context.take_address(bytes)? else {
                // What was refused is not held.
                drop(this);
                return Err(context.out_of_memory(tag, bytes, context.free_bytes()));
            };
            this.address = address;
        }
        Ok(this)
    }

    /// Takes memory and fills it with host values, which are read before this returns.
    pub(super) fn upload<T: Copy>(
        context: &Arc<Context>,
        values: &[T],
        tag: Tag,
    ) -> Result<Self, DeviceError> {
        let this = Self::take::<T>(context, values.len(), tag)?;
        // SAFETY: both sides have the bytes of `values`.
        unsafe {
            context.upload_bytes(
                context.work,
                values.as_ptr().cast(),
                this.address,
                size_of_val(values),
            )?
        };
        Ok(this)
    }

    /// Where the bytes begin.
    pub(super) fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.context.accounts.give_back(self.tag, self.bytes);
        }
        if self.address != 0 {
            self.context.give_back_address(self.address);
        }
    }
}

/// A buffer on a CUDA device.
pub struct CudaBuffer<T: Element> {
    memory: Memory,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Element> CudaBuffer<T> {
    /// Takes memory whose bytes are anything, for an operation that writes all of it.
    pub(super) fn unwritten(context: &Arc<Context>, len: usize, tag: Tag) -> Result<Self, DeviceError> {
        Ok(Self {
            memory: Memory::take::<T>(context, len, tag)?,
            len,
            elements: PhantomData,
        })
    }

    pub(super) fn zeroed(context: &Arc<Context>, len: usize, tag: Tag) -> Result<Self, DeviceError> {
        let this = Self::unwritten(context, len, tag)?;
        if len > 0 {
            context.clear(this.memory.address, this.memory.bytes)?;
        }
        Ok(this)
    }

    /// Where element `at` begins.
    pub(super) fn address(&self, at: usize) -> u64 {
        self.memory.address + at as u64 * size_of::<T>() as u64
    }
}

impl<T: Element> DeviceBuffer<T> for CudaBuffer<T> {
    fn len(&self) -> usize {
        self.len
    }
}
