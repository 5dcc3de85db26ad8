//! Proof of work on the host, for hashes that have no kernel.

use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::ops::has_zero_bits;
use std::sync::atomic::{AtomicBool, Ordering};

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
        if has_zero_bits(&digest, bits) {
            return Ok(Pending::ready(nonce));
        }
    }
    Err(DeviceError::Cancelled)
}
