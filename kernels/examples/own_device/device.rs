//! The device itself: its memory, and the way of bytes to it and back.

use quarry_kernels::cpu::CpuBuffer;
use quarry_kernels::device::MemoryUsage;
use quarry_kernels::{CpuDevice, Device, DeviceError, Element, Pending, Tag, Ticket};
use std::ops::Range;

/// A device whose memory is the CPU device's.
///
/// Hardware with its own memory has its own buffer type. It counts the bytes of every tag, and its tickets wait for the
/// work that was enqueued.
pub struct OwnDevice {
    pub cpu: CpuDevice,
}

impl OwnDevice {
    pub fn new() -> Result<Self, DeviceError> {
        Ok(Self {
            cpu: CpuDevice::new(None)?,
        })
    }
}

impl Device for OwnDevice {
    type Buffer<T: Element> = CpuBuffer<T>;

    fn name(&self) -> String {
        "a device of one's own".to_owned()
    }

    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<CpuBuffer<T>, DeviceError> {
        self.cpu.alloc(len, tag)
    }

    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut CpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        self.cpu.upload(from, to, at)
    }

    fn download<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        range: Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        self.cpu.download(from, range)
    }

    fn copy<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        range: Range<usize>,
        to: &mut CpuBuffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        self.cpu.copy(from, range, to, at)
    }

    fn take_peak(&self) -> MemoryUsage {
        self.cpu.take_peak()
    }
}
