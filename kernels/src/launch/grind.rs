//! Proof of work on the host, for hashes that have no kernel.

use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use std::sync::atomic::{AtomicBool, Ordering};

/// Checks the number of bits requested.
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

/// Searches on the host. Stone never asks for a nonce under a hash that has no kernel, but the contract allows it.
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
