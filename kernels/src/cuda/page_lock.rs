//! Host memory that a GPU reads directly.

use super::CudaDevice;
use super::context::Context;
use crate::device::{DeviceError, Element};
use cudarc::driver::sys::{self, CUresult};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Arc;

/// Keeps the pages of host memory locked while it lives, so that uploads from it need no copy on the host.
pub struct PageLock<'a> {
    context: Arc<Context>,
    memory: *mut c_void,
    elements: PhantomData<&'a ()>,
}

impl CudaDevice {
    /// Locks the pages of `elements`. That takes a while, so it is for uploads that are time-critical or frequent.
    ///
    /// # Errors
    /// [`DeviceError::Failed`] if the system refuses, or if the pages are already locked.
    pub fn page_lock<'a, T: Element>(&self, elements: &'a [T]) -> Result<PageLock<'a>, DeviceError> {
        self.context.enter()?;
        let memory = elements.as_ptr().cast::<c_void>().cast_mut();
        // SAFETY: the memory is borrowed while the lock lives. The driver does not write to it.
        let result = unsafe { sys::cuMemHostRegister_v2(memory, size_of_val(elements), 0) };
        self.context.done("cuMemHostRegister", result)?;
        Ok(PageLock {
            context: Arc::clone(&self.context),
            memory,
            elements: PhantomData,
        })
    }
}

impl Drop for PageLock<'_> {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: locked by `cuMemHostRegister`. Uploads from it are done, because they block until then.
            let _ = unsafe { sys::cuMemHostUnregister(self.memory) };
        }
    }
}

/// Whether the memory's pages are locked.
pub(super) fn is_page_locked(memory: *const u8) -> bool {
    let mut kind = 0u32;
    let attribute = sys::CUpointer_attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
    // SAFETY: the driver writes one number, and only looks up the address.
    let result =
        unsafe { sys::cuPointerGetAttribute((&raw mut kind).cast(), attribute, memory.addr() as u64) };
    result == CUresult::CUDA_SUCCESS && kind == sys::CUmemorytype::CU_MEMORYTYPE_HOST as u32
}
