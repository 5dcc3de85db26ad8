//! Proof of work, in waves of nonces; one wave is always under way.

use super::buffer::Memory;
use super::hash::{hash_kernels, mask};
use super::kernels::arguments;
use super::{CudaDevice, SCRATCH};
use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::ops::GrindOps;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nonces of a wave, a multiprocessor: a millisecond or so.
const WAVE_PER_MULTIPROCESSOR: u64 = 1 << 15;

/// What stands for no nonce.
const NONE: u64 = u64::MAX;

impl GrindOps for CudaDevice {
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError> {
        if !(1..=64).contains(&bits) {
            return Err(DeviceError::Shape {
                operation: "grind",
                what: "bits, from 1 to",
                expected: 64,
                got: u64::from(bits),
            });
        }
        let Some(kernel) = hash_kernels(hash).grind else {
            return grind_on_host(hash, prefix, bits, cancel);
        };
        let wave = WAVE_PER_MULTIPROCESSOR * u64::from(self.context.n_multiprocessors.max(1));
        let lowest = Memory::upload(&self.context, &[NONE], SCRATCH)?;
        let start = |first: u64| {
            // SAFETY: the arguments of both kernels; one number is downloaded.
            unsafe {
                self.context.launch(
                    kernel,
                    kernel.grid(wave),
                    0,
                    arguments![*prefix, mask(hash), first, bits, lowest.address()],
                )?;
                self.download_from::<u64>(lowest.address(), 1)
            }
        };
        let mut first = 0;
        let mut under_way = start(first)?;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(DeviceError::Cancelled);
            }
            first += wave;
            let next = start(first)?;
            // A later wave cannot find a lower nonce.
            match std::mem::replace(&mut under_way, next).wait()?[..] {
                [nonce] if nonce != NONE => return Ok(Pending::ready(nonce)),
                _ => {}
            }
        }
    }
}

/// Stone never asks for a nonce under a hash that has no kernel; the contract allows it.
fn grind_on_host(
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
