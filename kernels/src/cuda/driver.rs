//! The driver as a library: detection, queries, and events.

use super::module::NEEDED_VERSION;
use crate::description::Description;
use crate::device::DeviceError;
use cudarc::driver::sys::{self, CUresult};
use std::ffi::CStr;

/// Name of this kind of device in errors.
pub(super) const CUDA: &str = "CUDA";

/// The driver's name for an error code.
pub(super) fn reason(error: CUresult) -> String {
    let mut name = std::ptr::null();
    // SAFETY: the driver writes a pointer to a string that is never freed, or nothing.
    let found = unsafe { sys::cuGetErrorName(error, &mut name) };
    if found != CUresult::CUDA_SUCCESS || name.is_null() {
        return format!("error {}", error as u32);
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// Turns the result of a driver call into a start error.
pub(super) fn started(result: CUresult) -> Result<(), DeviceError> {
    match result {
        CUresult::CUDA_SUCCESS => Ok(()),
        error => Err(DeviceError::Start {
            device: CUDA,
            reason: reason(error),
        }),
    }
}

/// The driver's version number in human-readable form.
fn version_name(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// Checks that a driver is installed and new enough, and counts its devices.
pub(super) fn device_count() -> Result<usize, DeviceError> {
    // SAFETY: only looks for the library. Without the library, every other call would panic.
    if !unsafe { sys::is_culib_present() } {
        return Err(DeviceError::DriverMissing {
            device: CUDA,
            library: "libcuda.so.1",
        });
    }
    let (mut version, mut count) = (0, 0);
    // SAFETY: the arguments are valid for writing; every driver has these functions.
    unsafe {
        started(sys::cuDriverGetVersion(&mut version))?;
        check_version(version)?;
        started(sys::cuInit(0))?;
        started(sys::cuDeviceGetCount(&mut count))?;
    }
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The name of a GPU.
pub(super) fn name(device: sys::CUdevice) -> Result<String, DeviceError> {
    let mut name = [0; 256];
    // SAFETY: the driver writes at most as many bytes as given, with a terminating zero.
    unsafe { started(sys::cuDeviceGetName(name.as_mut_ptr(), 256, device))? };
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Ok(name.to_string_lossy().into_owned())
}

/// One attribute of a GPU.
pub(super) fn attribute(
    device: sys::CUdevice,
    attribute: sys::CUdevice_attribute,
) -> Result<u32, DeviceError> {
    let mut value = 0;
    // SAFETY: the driver writes one number.
    unsafe { started(sys::cuDeviceGetAttribute(&mut value, attribute, device))? };
    Ok(u32::try_from(value).unwrap_or(0))
}

/// Describes the GPUs without starting any.
pub(super) fn list() -> Result<Vec<Description>, DeviceError> {
    (0..device_count()?).map(describe).collect()
}

fn describe(index: usize) -> Result<Description, DeviceError> {
    use sys::CUdevice_attribute as Attribute;
    let (mut device, mut version, mut bytes) = (0, 0, 0);
    // SAFETY: the arguments are valid for writing.
    unsafe {
        started(sys::cuDeviceGet(
            &mut device,
            i32::try_from(index).unwrap_or(i32::MAX),
        ))?;
        started(sys::cuDriverGetVersion(&mut version))?;
        started(sys::cuDeviceTotalMem_v2(&mut bytes, device))?;
    }
    let number = |attribute_name| attribute(device, attribute_name);
    let major = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let shared = number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
    let multiprocessors = number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    Ok(Description {
        kind: "cuda",
        index,
        name: name(device)?,
        interface: format!("CUDA, compute capability {major}.{minor}"),
        driver: format!("for CUDA {}", version_name(version)),
        is_software: false,
        memory_bytes: Some(bytes as u64),
        limits: vec![
            ("multiprocessors", multiprocessors.into()),
            ("bytes of a block's shared memory", shared.into()),
        ],
        features: Vec::new(),
    })
}

/// Rejects drivers that do not support the module's PTX version. Newer drivers have every function that is called here.
fn check_version(version: i32) -> Result<(), DeviceError> {
    if version >= NEEDED_VERSION {
        return Ok(());
    }
    Err(DeviceError::DriverTooOld {
        device: CUDA,
        found: version_name(version),
        needed: version_name(NEEDED_VERSION),
    })
}

/// A point in a stream's work. It is dropped before its context.
pub(super) struct Event(pub(super) sys::CUevent);

// SAFETY: the driver's handles may be used from any thread.
unsafe impl Send for Event {}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: created by `cuEventCreate`, and dropped once.
            let _ = unsafe { sys::cuEventDestroy_v2(self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_drivers_are_refused_with_both_versions() {
        assert!(check_version(12010).is_ok() && check_version(13000).is_ok());
        let error = check_version(11080).unwrap_err().to_string();
        assert!(error.contains("11.8") && error.contains("12.1"), "{error}");
    }
}
