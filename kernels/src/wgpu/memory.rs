//! Memory of an adapter, in chunks that fit in any binding.

use super::context::Context;
use crate::device::{DeviceBuffer, DeviceError, Element, Tag};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use wgpu::Buffer;

/// Bytes that an upload stages at once.
const UPLOAD: usize = 32 << 20;

/// Device memory, counted under its tag while it is held. All chunks but the last have the context's size, a power of
/// two. So a range that is aligned to a power of two lies in one chunk or consists of whole chunks.
pub(super) struct Allocation {
    context: Arc<Context>,
    chunks: Vec<Buffer>,
    chunk_bytes: u64,
    bytes: u64,
    tag: Tag,
}

/// A run of elements in one chunk.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// The chunk.
    pub(super) buffer: &'a Buffer,
    /// Index of its first element in the chunk.
    pub(super) start: u32,
    /// Index of its first element in the memory.
    pub(super) first: usize,
    /// Number of elements.
    pub(super) len: usize,
}

/// The bytes of elements.
pub(super) fn bytes_of<T: Element>(elements: &[T]) -> &[u8] {
    // SAFETY: elements have no padding.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

impl Allocation {
    /// Allocates memory for `len` elements, all zero bytes.
    pub(super) fn take<T: Element>(
        context: &Arc<Context>,
        len: usize,
        tag: Tag,
    ) -> Result<Self, DeviceError> {
        Self::in_chunks::<T>(context, len, tag, context.chunk_bytes)
    }

    fn in_chunks<T: Element>(
        context: &Arc<Context>,
        len: usize,
        tag: Tag,
        chunk_bytes: u64,
    ) -> Result<Self, DeviceError> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        let taken = context.accounts.take_within(tag, bytes, context.budget);
        taken.map_err(|free| context.out_of_memory(tag, bytes, free))?;
        // From here on, `drop` gives back the counted bytes.
        let mut this = Self {
            context: Arc::clone(context),
            chunks: Vec::new(),
            chunk_bytes,
            bytes,
            tag,
        };
        let mut rest = bytes;
        while rest > 0 {
            let chunk = rest.min(chunk_bytes);
            let Some(buffer) = context.storage_buffer(tag, chunk)? else {
                // The bytes reported as free are those that the adapter gave so far.
                return Err(context.out_of_memory(tag, bytes, bytes - rest));
            };
            this.chunks.push(buffer);
            rest -= chunk;
        }
        Ok(this)
    }

    /// Allocates memory and fills it with host values, which are read before this call returns.
    pub(super) fn upload<T: Element>(
        context: &Arc<Context>,
        values: &[T],
        tag: Tag,
    ) -> Result<Self, DeviceError> {
        let this = Self::take::<T>(context, values.len(), tag)?;
        // No recorded command uses this memory yet, so nothing has to be submitted first.
        this.write(values, 0)?;
        Ok(this)
    }

    /// Like [`Allocation::upload`], but in one chunk of any size: for tables that every adapter can bind.
    pub(super) fn upload_table<T: Element>(
        context: &Arc<Context>,
        values: &[T],
        tag: Tag,
    ) -> Result<Self, DeviceError> {
        let this = Self::in_chunks::<T>(context, values.len(), tag, context.max_binding_bytes())?;
        this.write(values, 0)?;
        Ok(this)
    }

    /// Writes host values starting at element `at`. The write precedes all commands not yet submitted.
    pub(super) fn write<T: Element>(&self, values: &[T], at: usize) -> Result<(), DeviceError> {
        for piece in self.pieces::<T>(at..at + values.len()) {
            let bytes = bytes_of(&values[piece.first - at..piece.first - at + piece.len]);
            let start = u64::from(piece.start) * size_of::<T>() as u64;
            for (i, part) in bytes.chunks(UPLOAD).enumerate() {
                let offset = start + (i * UPLOAD) as u64;
                self.context.write(piece.buffer, offset, part)?;
            }
        }
        Ok(())
    }

    /// The only chunk, for memory that is known to have at most one.
    pub(super) fn buffer(&self) -> &Buffer {
        self.chunks.first().unwrap_or(&self.context.nothing)
    }

    /// The only chunk, or an error if there are several.
    pub(super) fn whole(&self) -> Result<&Buffer, DeviceError> {
        if self.is_one_chunk() {
            return Ok(self.buffer());
        }
        let reason = format!(
            "{} bytes for '{}' are more than the adapter can bind",
            self.bytes, self.tag.0
        );
        Err(self.context.failed("binding", reason))
    }

    /// Whether all of the memory can be bound at once.
    pub(super) fn is_one_chunk(&self) -> bool {
        self.chunks.len() <= 1
    }

    /// The parts of a range of elements, each of which lies in one chunk.
    pub(super) fn pieces<T: Element>(&self, range: Range<usize>) -> impl Iterator<Item = Piece<'_>> {
        let chunk_len = (self.chunk_bytes / size_of::<T>() as u64) as usize;
        let mut first = range.start;
        std::iter::from_fn(move || {
            let chunk = first / chunk_len;
            let len = (range.end - first).min((chunk + 1) * chunk_len - first);
            let buffer = self.chunks.get(chunk).filter(|_| len > 0)?;
            let piece = Piece {
                buffer,
                start: (first % chunk_len) as u32,
                first,
                len,
            };
            first += len;
            Some(piece)
        })
    }

    /// The range of `len` elements that starts at `first` and lies in one chunk.
    pub(super) fn piece<T: Element>(&self, first: usize, len: usize) -> Result<Piece<'_>, DeviceError> {
        let piece = self.pieces::<T>(first..first + len).next();
        let whole = piece.filter(|piece| piece.len == len);
        whole.ok_or_else(|| {
            self.context
                .failed("binding", "the range does not lie in one chunk")
        })
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.context.accounts.give_back(self.tag, self.bytes);
    }
}

/// A buffer on an adapter.
pub struct WgpuBuffer<T: Element> {
    pub(super) memory: Allocation,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Element> WgpuBuffer<T> {
    pub(super) fn zeroed(context: &Arc<Context>, len: usize, tag: Tag) -> Result<Self, DeviceError> {
        Ok(Self {
            memory: Allocation::take::<T>(context, len, tag)?,
            len,
            elements: PhantomData,
        })
    }
}

impl<T: Element> DeviceBuffer<T> for WgpuBuffer<T> {
    fn len(&self) -> usize {
        self.len
    }
}
