//! The adapter's own rate of multiplications, which floors are computed from.

use super::kernels::{Kernel, Parameters};
use super::memory::Memory;
use super::{SCRATCH, WgpuDevice};
use crate::device::DeviceError;
use crate::felt::Felt;
use ark_ff::AdditiveGroup;
use std::time::Instant;

/// Invocations on a card: enough for the largest.
const INVOCATIONS: usize = 1 << 19;

impl WgpuDevice {
    /// Field multiplications a second, when the adapter does nothing else: `4 * rounds` in every one of up to `2^19`
    /// invocations, as many as a chunk has elements.
    ///
    /// # Errors
    /// What the driver says.
    pub fn multiplications_per_second(&self, rounds: u32) -> Result<f64, DeviceError> {
        let n = INVOCATIONS.min(self.chunk_len());
        let elements = Memory::upload(&self.context, &vec![Felt::from(3u64).double(); n], SCRATCH)?;
        let parameters = Parameters::default().words(&[n as u32, rounds]);
        let run = || {
            let start = Instant::now();
            self.launch(Kernel::Multiply, &parameters, &[elements.whole()?], n)?;
            self.ticket().wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        // The first run makes the pipeline and wakes the card up.
        run()?;
        let seconds = run()?.min(run()?);
        Ok(4.0 * f64::from(rounds) * n as f64 / seconds)
    }
}
