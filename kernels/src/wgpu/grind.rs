//! Proof of work, in waves of nonces. The next wave is started before the result of the current one is awaited.

use super::hash::{hash_kernels, mask_words, words};
use super::kernels::Parameters;
use super::memory::Allocation;
use super::transfer::download;
use super::{SCRATCH, WgpuDevice};
use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::launch::grind::on_host;
use crate::ops::{GrindOps, check_bits};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Number of nonces of the first wave, and of the largest. Waves grow until one takes long enough on the adapter.
const FIRST_WAVE: u32 = 1 << 12;
const LARGEST_WAVE: u32 = 1 << 24;
const LONG_ENOUGH: Duration = Duration::from_millis(5);

/// Means that no nonce was found.
const NONE: u32 = u32::MAX;

impl GrindOps for WgpuDevice {
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError> {
        check_bits(bits)?;
        let Some(kernel) = hash_kernels(hash).grind else {
            return on_host(hash, prefix, bits, cancel);
        };
        let start = |first: u64, n: u32| {
            let lowest = Allocation::upload(&self.context, &[NONE], SCRATCH)?;
            let parameters = Parameters::default()
                .words(&words(prefix))
                .words(&mask_words(hash))
                .words(&[first as u32, (first >> 32) as u32, n, bits]);
            self.launch(kernel, &parameters, &[lowest.buffer()], n as usize)?;
            let found = download::<u32>(&self.context, &lowest, 0..1)?;
            self.context.flush()?;
            Ok::<_, DeviceError>((first, found))
        };
        let (mut wave, mut next) = (FIRST_WAVE, u64::from(FIRST_WAVE));
        let mut under_way = start(0, wave)?;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(DeviceError::Cancelled);
            }
            let begin = Instant::now();
            let started = start(next, wave)?;
            next += u64::from(wave);
            // A later wave cannot have a lower nonce.
            let (first, found) = std::mem::replace(&mut under_way, started);
            match found.wait()?[..] {
                [found] if found != NONE => return Ok(Pending::ready(first + u64::from(found))),
                _ => {}
            }
            if begin.elapsed() < LONG_ENOUGH {
                wave = (2 * wave).min(LARGEST_WAVE);
            }
        }
    }
}
