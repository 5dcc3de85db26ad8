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

/// Checks the number of zero bits that [`GrindOps::grind`] is asked for. For device implementations.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn check_bits(bits: u32) -> Result<(), DeviceError> {
    if (1..=64).contains(&bits) {
        return Ok(());
    }
    Err(DeviceError::Shape {
        operation: "grind",
        what: "bits, from 1 to",
        expected: 64,
        got: u64::from(bits),
    })
}

/// Whether a digest begins with `bits` zero bits, at most 64. For device implementations.
pub fn has_zero_bits(digest: &Digest, bits: u32) -> bool {
    let head = digest[..8]
        .iter()
        .fold(0, |head, byte| head << 8 | u64::from(*byte));
    head.leading_zeros() >= bits
}
