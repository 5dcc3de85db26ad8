//! Buffers of a CUDA device.

use super::context::Context;
use crate::device::{DeviceBuffer, DeviceError, Element, Tag};
use std::marker::PhantomData;
use std::sync::Arc;

/// Device memory, counted under its tag while it is held.
pub(super) struct Allocation {
    context: Arc<Context>,
    address: u64,
    bytes: u64,
    tag: Tag,
}

impl Allocation {
    /// Allocates memory for `len` values of any type. Its contents are arbitrary.
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
            // From here on, `drop` gives back the counted bytes.
            this.bytes = bytes;
            let Some(address) = context.take_address(bytes)? else {
                // The refused bytes are not held: uncount them.
                drop(this);
                return Err(context.out_of_memory(tag, bytes, context.free_bytes()));
            };
            this.address = address;
        }
        Ok(this)
    }

    /// Allocates memory and fills it with host values, which are read before this call returns.
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
            )?;
        };
        Ok(this)
    }

    /// Address of the first byte.
    pub(super) fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for Allocation {
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
    memory: Allocation,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Element> CudaBuffer<T> {
    /// Allocates a buffer with arbitrary contents, for an operation that writes all of it.
    pub(super) fn unwritten(context: &Arc<Context>, len: usize, tag: Tag) -> Result<Self, DeviceError> {
        Ok(Self {
            memory: Allocation::take::<T>(context, len, tag)?,
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

    /// Address of element `at`.
    pub(super) fn address(&self, at: usize) -> u64 {
        self.memory.address + at as u64 * size_of::<T>() as u64
    }
}

impl<T: Element> DeviceBuffer<T> for CudaBuffer<T> {
    fn len(&self) -> usize {
        self.len
    }
}
