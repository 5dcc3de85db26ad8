//! Proof of work, in waves of nonces. The next wave is enqueued before the result of the current one is awaited.

use super::buffer::Allocation;
use super::hash::{hash_kernels, mask};
use super::kernels::arguments;
use super::{CudaDevice, SCRATCH};
use crate::device::{DeviceError, Pending};
use crate::hash::{Digest, Hash};
use crate::launch::grind::on_host;
use crate::ops::{GrindOps, check_bits};
use std::sync::atomic::{AtomicBool, Ordering};

/// Nonces of a wave per multiprocessor: about a millisecond.
const WAVE_PER_MULTIPROCESSOR: u64 = 1 << 15;

/// Means that no nonce was found.
const NONE: u64 = u64::MAX;

impl GrindOps for CudaDevice {
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
        let wave = WAVE_PER_MULTIPROCESSOR * u64::from(self.context.n_multiprocessors.max(1));
        let lowest = Allocation::upload(&self.context, &[NONE], SCRATCH)?;
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
