//! Proof of work.

use crate::device::{Device, DeviceError, Pending};
use crate::hash::{Digest, Hash};
use std::sync::atomic::AtomicBool;

/// Nonce search.
pub trait GrindOps: Device {
    /// The lowest `nonce` for which `hash_bytes(prefix || nonce as 8 big-endian bytes)` begins with `bits` zero
    /// bits, `1 <= bits <= 64`. The answer does not depend on the number of threads.
    ///
    /// # Errors
    /// [`DeviceError::Cancelled`] soon after `cancel` becomes true; [`DeviceError::Shape`] for other `bits`.
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError>;
}
