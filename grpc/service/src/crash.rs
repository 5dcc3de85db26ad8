//! Named crash points for tests, and injected device faults. Without the feature `crash-points` they do nothing.

use quarry_prover_core::prover::ProveError;

/// Aborts the process if `QUARRY_CRASH_AT` names this point.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    if std::env::var_os("QUARRY_CRASH_AT").is_some_and(|wanted| wanted == *name) {
        std::process::abort();
    }
}

/// Does nothing.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_: &str) {}

/// Returns the fault in the file that `QUARRY_DEVICE_FAULT` names, if the file exists. `lost` is permanent for the
/// process that reads it and removes the file; `no-room` lasts while the file exists.
#[cfg(feature = "crash-points")]
pub fn device_fault(device: &str) -> Option<ProveError> {
    use quarry_kernels::DeviceError;
    use quarry_prover_core::memory_plan::MemoryPlanError;
    use quarry_prover_core::progress::Phase;
    use quarry_prover_core::tags::EXTENSION;
    use std::sync::atomic::{AtomicBool, Ordering};

    static LOST: AtomicBool = AtomicBool::new(false);
    let file = std::env::var_os("QUARRY_DEVICE_FAULT")?;
    let fault = std::fs::read_to_string(&file).unwrap_or_default();
    if fault == "lost" {
        LOST.store(true, Ordering::Relaxed);
        let _ = std::fs::remove_file(&file);
    }
    if LOST.load(Ordering::Relaxed) {
        return Some(ProveError::Device(DeviceError::Lost {
            device: device.to_owned(),
            reason: "as a test asked".to_owned(),
        }));
    }
    (fault == "no-room").then_some(ProveError::Memory(MemoryPlanError::TooLarge {
        needed: 1,
        free: 0,
        phase: Phase::Trace,
        tag: EXTENSION,
    }))
}

/// Never a fault.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn device_fault(_: &str) -> Option<ProveError> {
    None
}
