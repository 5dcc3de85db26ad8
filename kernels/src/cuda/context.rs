//! The driver: a context on one device, with its streams and kernels.

use super::arena::Arena;
use super::driver::{CUDA, Event, attribute, device_count, name, reason, started};
use super::kernels::{Argument, Grid, Kernel};
use super::module::MODULE;
use super::staging::Staging;
use crate::device::{DeviceError, Tag};
use crate::memory::Accounts;
use cudarc::driver::sys::{self, CUdevice_attribute as Attribute, CUresult};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

/// Maximum blocks of a launch in either dimension, on every GPU.
pub(super) const MAX_GRID: Grid = Grid {
    x: (1 << 31) - 1,
    y: (1 << 16) - 1,
};

/// Everything that lives as long as the device or any of its buffers. Work runs in order on one stream; a second stream
/// is for uploads that need not wait for that work.
pub(super) struct Context {
    pub(super) name: String,
    pub(super) device: sys::CUdevice,
    context: sys::CUcontext,
    /// Stream of the work, in order.
    pub(super) work: Stream,
    /// Stream of uploads that run beside the work.
    pub(super) uploads: Stream,
    pub(super) arena: Arena,
    module: sys::CUmodule,
    functions: Vec<sys::CUfunction>,
    pub(super) accounts: Accounts,
    pub(super) staging: Staging,
    /// Number of multiprocessors.
    pub(super) n_multiprocessors: u32,
    /// Maximum shared memory per block, in bytes.
    pub(super) max_shared_bytes: u32,
}

// SAFETY: the driver's handles may be used from any thread in which the context is current, which `enter` ensures; the
// driver does its own locking.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// One of the context's streams.
#[derive(Clone, Copy)]
pub(super) struct Stream(pub(super) sys::CUstream);

// SAFETY: the driver's handles may be used from any thread; the driver does its own locking.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

impl Context {
    /// Starts device `index`. Buffers may take `budget` bytes of its memory, by default nearly all that is free.
    pub(super) fn start(index: usize, budget: Option<u64>) -> Result<Arc<Self>, DeviceError> {
        let count = device_count()?;
        if index >= count {
            return Err(DeviceError::NoSuchDevice {
                device: CUDA,
                index,
                count,
            });
        }
        let ordinal = i32::try_from(index).unwrap_or(i32::MAX);
        let mut this = Self {
            name: String::new(),
            device: 0,
            context: null_mut(),
            work: Stream(null_mut()),
            uploads: Stream(null_mut()),
            arena: Arena::default(),
            module: null_mut(),
            functions: Vec::new(),
            accounts: Accounts::default(),
            staging: Staging::default(),
            n_multiprocessors: 0,
            max_shared_bytes: 0,
        };
        // SAFETY: every handle is created by a call before it is used, and all pointers are valid for writing. If a
        // call fails, `drop` releases what was created before.
        unsafe {
            started(sys::cuDeviceGet(&mut this.device, ordinal))?;
            started(sys::cuDevicePrimaryCtxRetain(&mut this.context, this.device))?;
            started(sys::cuCtxSetCurrent(this.context))?;
            this.name = name(this.device)?;
            let number = |attribute_name| attribute(this.device, attribute_name);
            this.n_multiprocessors = number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
            this.max_shared_bytes = number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
            let non_blocking = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
            started(sys::cuStreamCreate(&mut this.work.0, non_blocking))?;
            started(sys::cuStreamCreate(&mut this.uploads.0, non_blocking))?;
            started(sys::cuModuleLoadData(&mut this.module, MODULE.as_ptr().cast()))?;
            this.load_functions()?;
            this.open_arena(budget)?;
        }
        Ok(Arc::new(this))
    }

    fn load_functions(&mut self) -> Result<(), DeviceError> {
        let dynamic = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        for kernel in Kernel::ALL {
            let mut function = null_mut();
            // SAFETY: the module is loaded, and the name is zero-terminated.
            unsafe {
                started(sys::cuModuleGetFunction(
                    &mut function,
                    self.module,
                    kernel.name().as_ptr(),
                ))?;
                if kernel.has_dynamic_shared() {
                    let bytes = i32::try_from(self.max_shared_bytes).unwrap_or(0);
                    started(sys::cuFuncSetAttribute(function, dynamic, bytes))?;
                }
            }
            self.functions.push(function);
        }
        Ok(())
    }

    /// Makes the context current in this thread. Every use of the driver starts with this call.
    pub(super) fn enter(&self) -> Result<(), DeviceError> {
        // SAFETY: the context is retained until `drop`.
        self.done("cuCtxSetCurrent", unsafe { sys::cuCtxSetCurrent(self.context) })
    }

    /// Turns the result of a driver call into an error that names the call.
    pub(super) fn done(&self, operation: &'static str, result: CUresult) -> Result<(), DeviceError> {
        match result {
            CUresult::CUDA_SUCCESS => Ok(()),
            error => Err(self.failed(operation, error)),
        }
    }

    pub(super) fn failed(&self, operation: &'static str, error: CUresult) -> DeviceError {
        DeviceError::Failed {
            device: self.name.clone(),
            operation,
            reason: reason(error),
        }
    }

    pub(super) fn out_of_memory(&self, tag: Tag, asked: u64, free: u64) -> DeviceError {
        DeviceError::OutOfMemory {
            device: self.name.clone(),
            tag,
            asked,
            free,
        }
    }

    /// Fills device memory with zero bytes.
    pub(super) fn clear(&self, address: sys::CUdeviceptr, bytes: u64) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: the caller's buffer has this many bytes.
        let result = unsafe { sys::cuMemsetD8Async(address, 0, bytes as usize, self.work.0) };
        self.done("cuMemsetD8Async", result)
    }

    /// Copies host memory to the device.
    ///
    /// # Safety
    /// `bytes` bytes must be valid on both sides; on the host, until the copy is done.
    pub(super) unsafe fn copy_up(
        &self,
        stream: Stream,
        from: *const c_void,
        to: sys::CUdeviceptr,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        // SAFETY: by contract.
        let result = unsafe { sys::cuMemcpyHtoDAsync_v2(to, from, bytes, stream.0) };
        self.done("cuMemcpyHtoDAsync", result)
    }

    /// Copies device memory to the host.
    ///
    /// # Safety
    /// As [`Context::copy_up`].
    pub(super) unsafe fn copy_down(
        &self,
        from: sys::CUdeviceptr,
        to: *mut c_void,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        // SAFETY: by contract.
        let result = unsafe { sys::cuMemcpyDtoHAsync_v2(to, from, bytes, self.work.0) };
        self.done("cuMemcpyDtoHAsync", result)
    }

    /// Copies memory on the device.
    ///
    /// # Safety
    /// `bytes` bytes must be valid on both sides and not overlap.
    pub(super) unsafe fn copy_across(
        &self,
        from: sys::CUdeviceptr,
        to: sys::CUdeviceptr,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: by contract.
        let result = unsafe { sys::cuMemcpyDtoDAsync_v2(to, from, bytes, self.work.0) };
        self.done("cuMemcpyDtoDAsync", result)
    }

    /// Enqueues a kernel: `grid` blocks (in two dimensions) of the kernel's threads.
    ///
    /// # Safety
    /// The arguments must be those of the kernel, in order and with the same layout, and their buffers as long as the
    /// kernel requires.
    pub(super) unsafe fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        shared_bytes: u32,
        arguments: &[Argument<'_>],
    ) -> Result<(), DeviceError> {
        for (n, most) in [(grid.x, MAX_GRID.x), (grid.y, MAX_GRID.y)] {
            if n > most {
                return Err(DeviceError::Shape {
                    operation: kernel.label(),
                    what: "blocks of a launch in one dimension, at most",
                    expected: most,
                    got: n,
                });
            }
        }
        self.enter()?;
        // SAFETY: by contract; the driver copies the arguments before it returns.
        let result = unsafe {
            sys::cuLaunchKernel(
                self.functions[kernel as usize],
                grid.x as u32,
                grid.y as u32,
                1,
                kernel.threads(),
                1,
                1,
                shared_bytes,
                self.work.0,
                arguments.as_ptr().cast::<*mut c_void>().cast_mut(),
                null_mut(),
            )
        };
        self.done(kernel.label(), result)
    }

    /// A new event, which is done when all work enqueued on the stream so far is done.
    pub(super) fn event(&self, stream: Stream) -> Result<Event, DeviceError> {
        self.enter()?;
        let mut event = Event(null_mut());
        let no_timing = sys::CUevent_flags::CU_EVENT_DISABLE_TIMING as u32;
        // SAFETY: the event is made before it is recorded.
        unsafe {
            self.done("cuEventCreate", sys::cuEventCreate(&mut event.0, no_timing))?;
            self.done("cuEventRecord", sys::cuEventRecord(event.0, stream.0))?;
        }
        Ok(event)
    }

    /// Makes work enqueued on `later` from now on wait until the work enqueued on `earlier` so far is done.
    pub(super) fn order(&self, earlier: Stream, later: Stream) -> Result<(), DeviceError> {
        let event = self.event(earlier)?;
        let nothing_special = 0;
        // SAFETY: the event is recorded; the driver keeps what it needs after the event is destroyed.
        let result = unsafe { sys::cuStreamWaitEvent(later.0, event.0, nothing_special) };
        self.done("cuStreamWaitEvent", result)
    }

    /// Blocks until the work before the event is done.
    pub(super) fn wait(&self, event: &Event) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: the event lives until it is dropped.
        self.done("cuEventSynchronize", unsafe { sys::cuEventSynchronize(event.0) })
    }

    /// Whether the work before the event is done.
    pub(super) fn is_done(&self, event: &Event) -> bool {
        // SAFETY: as above.
        self.enter().is_ok() && unsafe { sys::cuEventQuery(event.0) } == CUresult::CUDA_SUCCESS
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: each handle is null or alive, and nothing else holds one, because buffers and events hold the
        // context. Failures are ignored: there is no caller left to report them to.
        unsafe {
            if self.context.is_null() || sys::cuCtxSetCurrent(self.context) != CUresult::CUDA_SUCCESS {
                return;
            }
            let streams = [self.work.0, self.uploads.0].into_iter();
            for stream in streams.clone().filter(|stream| !stream.is_null()) {
                let _ = sys::cuStreamSynchronize(stream);
            }
            self.staging.free();
            self.arena.close();
            if !self.module.is_null() {
                let _ = sys::cuModuleUnload(self.module);
            }
            for stream in streams.filter(|stream| !stream.is_null()) {
                let _ = sys::cuStreamDestroy_v2(stream);
            }
            let _ = sys::cuDevicePrimaryCtxRelease_v2(self.device);
        }
    }
}
