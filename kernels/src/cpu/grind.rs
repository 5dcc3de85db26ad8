//! Proof of work, in waves over all threads.

use super::CpuDevice;
use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::ops::{GrindOps, check_bits, has_zero_bits};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nonces tried at once.
const BATCH: usize = 16;

/// Batches that a thread tries between two checks of the cancel flag: they take milliseconds.
const BATCHES_PER_THREAD: u64 = 1 << 8;

impl GrindOps for CpuDevice {
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError> {
        check_bits(bits)?;
        // The lowest solution in a batch.
        let solution = |first: u64| {
            let mut messages = [[0; 40]; BATCH];
            for (message, nonce) in messages.iter_mut().zip(first..) {
                message[..32].copy_from_slice(prefix);
                message[32..].copy_from_slice(&nonce.to_be_bytes());
            }
            let mut digests = [Digest::default(); BATCH];
            hash.hash_bytes_many(messages.as_flattened(), 40, &mut digests);
            let found = digests.iter().position(|digest| has_zero_bits(digest, bits));
            found.map(|i| first + i as u64)
        };
        let wave = BATCHES_PER_THREAD * self.n_threads() as u64;
        let mut first = 0u64;
        while !cancel.load(Ordering::Relaxed) {
            let batches = first..first.saturating_add(wave);
            let batches = batches.into_par_iter();
            if let Some(nonce) = self
                .pool
                .install(|| batches.find_map_first(|batch| solution(batch * BATCH as u64)))
            {
                return Ok(Pending::ready(nonce));
            }
            first = first.saturating_add(wave);
        }
        Err(DeviceError::Cancelled)
    }
}
