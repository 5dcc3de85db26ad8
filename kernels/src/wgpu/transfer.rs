//! Transfers between the host and an adapter, and between its buffers.

use super::context::Context;
use super::memory::Allocation;
use crate::device::{DeviceError, Element, Pending};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use wgpu::{Buffer, BufferUsages};

impl Context {
    /// Writes bytes before all commands not yet submitted. Large writes wait for earlier ones, so that little memory is
    /// staged.
    pub(super) fn write(&self, to: &Buffer, at: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        /// Minimum bytes of a large write.
        const LARGE: usize = 4 << 20;
        self.done("write_buffer", || self.queue.write_buffer(to, at, bytes))?;
        if bytes.len() < LARGE {
            return Ok(());
        }
        let submission = self.done("submit", || self.queue.submit([]))?;
        let polled = self.device.poll(wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: None,
        });
        polled.map(|_| ()).map_err(|error| self.failed("poll", error))
    }
}

impl Context {
    /// Receives what a callback of the library sends. The work is done by then, but the callback may run on another
    /// thread.
    fn receive<T>(&self, from: &mpsc::Receiver<T>) -> Result<T, DeviceError> {
        /// Time between two polls of the device.
        const PATIENCE: Duration = Duration::from_millis(20);
        loop {
            match from.recv_timeout(PATIENCE) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Timeout) => self.done("poll", || {
                    let _ = self.device.poll(wgpu::PollType::Poll);
                })?,
                Err(error) => return Err(self.failed("map_async", error)),
            }
        }
    }
}

/// Copies elements between two memories.
pub(super) fn copy<T: Element>(
    context: &Context,
    from: (&Allocation, Range<usize>),
    to: (&Allocation, usize),
) -> Result<(), DeviceError> {
    let (from, range) = from;
    let size = size_of::<T>() as u64;
    for source in from.pieces::<T>(range.clone()) {
        let begin = to.1 + source.first - range.start;
        for target in to.0.pieces::<T>(begin..begin + source.len) {
            let ahead = (target.first - begin) as u64;
            context.copy(
                (source.buffer, (u64::from(source.start) + ahead) * size),
                (target.buffer, u64::from(target.start) * size),
                target.len as u64 * size,
            )?;
        }
    }
    Ok(())
}

/// Downloads a range of elements.
pub(super) fn download<T: Element>(
    context: &Arc<Context>,
    from: &Allocation,
    range: Range<usize>,
) -> Result<Pending<Vec<T>>, DeviceError> {
    let len = range.len();
    let mut parts = Vec::new();
    for piece in from.pieces::<T>(range) {
        let bytes = (piece.len * size_of::<T>()) as u64;
        let descriptor = wgpu::BufferDescriptor {
            label: Some("download"),
            size: bytes,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let landing = context.done("create_buffer", || context.device.create_buffer(&descriptor))?;
        let start = u64::from(piece.start) * size_of::<T>() as u64;
        context.copy((piece.buffer, start), (&landing, 0), bytes)?;
        parts.push(landing);
    }
    let (context, batch) = (Arc::clone(context), context.batch_number());
    Ok(Pending::waiting(move || {
        context.flush()?;
        let (sender, mapped) = mpsc::channel();
        for part in &parts {
            let sender = sender.clone();
            context.done("map_async", || {
                part.map_async(wgpu::MapMode::Read, .., move |result| {
                    // After an error, the receiver is gone.
                    let _ = sender.send(result);
                });
            })?;
        }
        drop(sender);
        context.wait(batch)?;
        let mut elements: Vec<T> = Vec::with_capacity(len);
        for part in &parts {
            context
                .receive(&mapped)?
                .map_err(|error| context.failed("map_async", error))?;
            append(&context, part, &mut elements)?;
        }
        Ok(elements)
    }))
}

/// Appends the elements of a mapped buffer.
fn append<T: Element>(context: &Context, part: &Buffer, elements: &mut Vec<T>) -> Result<(), DeviceError> {
    let view = part.get_mapped_range(..);
    let view = view.map_err(|error| context.failed("get_mapped_range", error))?;
    let n = view.len() / size_of::<T>();
    elements.reserve(n);
    // SAFETY: the vector has room for `n` elements, the view has their bytes, and any bytes that the device holds are
    // valid elements.
    unsafe {
        let end = elements.as_mut_ptr().add(elements.len());
        std::ptr::copy_nonoverlapping(view.as_ptr(), end.cast::<u8>(), n * size_of::<T>());
        elements.set_len(elements.len() + n);
    }
    Ok(())
}
