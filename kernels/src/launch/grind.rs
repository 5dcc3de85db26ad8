//! Proof of work where no kernel does it.

use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use std::sync::atomic::{AtomicBool, Ordering};

/// The bits that can be asked for.
pub(crate) fn check_bits(bits: u32) -> Result<(), DeviceError> {
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

/// Stone never asks for a nonce under a hash that has no kernel; the contract allows it.
pub(crate) fn on_host(
    hash: Hash,
    prefix: &Digest,
    bits: u32,
    cancel: &AtomicBool,
) -> Result<Pending<u64>, DeviceError> {
    for nonce in 0..u64::MAX {
        if cancel.load(Ordering::Relaxed) {
            return Err(DeviceError::Cancelled);
        }
        let digest = hash.hash_bytes(&[&prefix[..], &nonce.to_be_bytes()].concat());
        let head = digest[..8]
            .iter()
            .fold(0u64, |head, byte| head << 8 | u64::from(*byte));
        if head.leading_zeros() >= bits {
            return Ok(Pending::ready(nonce));
        }
    }
    Err(DeviceError::Cancelled)
}
