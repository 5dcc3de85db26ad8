//! Named crash points for tests, injected device faults, and proofs that were made before. Without the feature
//! `crash-points` they do nothing.

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

/// The proof in the file that `QUARRY_PROOF` names, which a worker then takes instead of making one. It is verified as
/// any other, so it must be the one that the worker would make.
#[cfg(feature = "crash-points")]
pub fn proof_made_before() -> Option<Vec<u8>> {
    std::fs::read(std::env::var_os("QUARRY_PROOF")?).ok()
}

/// Never a proof.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn proof_made_before() -> Option<Vec<u8>> {
    None
}
