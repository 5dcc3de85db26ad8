//! Proof of work, in waves over all threads.

use super::CpuDevice;
use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::ops::GrindOps;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nonces a thread tries between two looks at the cancel flag: milliseconds.
const WAVE_PER_THREAD: u64 = 1 << 12;

impl GrindOps for CpuDevice {
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
        let is_solution = |nonce: &u64| {
            let mut message = [0; 40];
            message[..32].copy_from_slice(prefix);
            message[32..].copy_from_slice(&nonce.to_be_bytes());
            let digest = hash.hash_bytes(&message);
            let head = digest[..8]
                .iter()
                .fold(0u64, |head, byte| head << 8 | u64::from(*byte));
            head.leading_zeros() >= bits
        };
        let wave = WAVE_PER_THREAD * self.n_threads() as u64;
        let mut first = 0u64;
        while !cancel.load(Ordering::Relaxed) {
            let nonces = first..first.saturating_add(wave);
            if let Some(nonce) = self
                .pool
                .install(|| nonces.into_par_iter().find_first(is_solution))
            {
                return Ok(Pending::ready(nonce));
            }
            first = first.saturating_add(wave);
        }
        Err(DeviceError::Cancelled)
    }
}
