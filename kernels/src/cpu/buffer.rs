//! Buffers of the CPU device.

use crate::device::{DeviceBuffer, DeviceError, Element, Tag};
use crate::memory::Accounts;
use std::alloc::Layout;
use std::sync::Arc;

/// A buffer on the host, counted under its tag while it lives.
pub struct CpuBuffer<T: Element> {
    elements: Vec<T>,
    tag: Tag,
    accounts: Arc<Accounts>,
}

impl<T: Element> CpuBuffer<T> {
    pub(super) fn zeroed(len: usize, tag: Tag, accounts: &Arc<Accounts>) -> Result<Self, DeviceError> {
        let elements = zeroed(len).ok_or_else(|| DeviceError::OutOfMemory {
            device: "CPU".to_owned(),
            tag,
            asked: (len as u64).saturating_mul(size_of::<T>() as u64),
            free: available_memory(),
        })?;
        let buffer = Self {
            elements,
            tag,
            accounts: Arc::clone(accounts),
        };
        accounts.take(tag, buffer.bytes());
        Ok(buffer)
    }

    fn bytes(&self) -> u64 {
        size_of_val(self.elements.as_slice()) as u64
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.elements
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.elements
    }
}

impl<T: Element> Drop for CpuBuffer<T> {
    fn drop(&mut self) {
        self.accounts.give_back(self.tag, self.bytes());
    }
}

impl<T: Element> DeviceBuffer<T> for CpuBuffer<T> {
    fn len(&self) -> usize {
        self.elements.len()
    }
}

/// Allocates memory that the system zeroes. Its pages are first touched by the threads that use them, whereas filling a
/// vector with zeros would touch them twice.
fn zeroed<T: Element>(len: usize) -> Option<Vec<T>> {
    let layout = Layout::array::<T>(len).ok()?;
    if layout.size() == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout is not empty and is that of a vector of this capacity; by the contract of `Element`, zero
    // bytes are a valid element.
    unsafe {
        let memory = std::alloc::alloc_zeroed(layout);
        (!memory.is_null()).then(|| Vec::from_raw_parts(memory.cast(), len, len))
    }
}

/// Available memory in bytes, as reported by the system; 0 if it reports nothing.
fn available_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
