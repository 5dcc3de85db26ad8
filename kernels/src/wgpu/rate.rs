//! The adapter's rate of multiplications, from which floors are computed.

use super::kernels::{Kernel, Parameters};
use super::memory::Allocation;
use super::{SCRATCH, WgpuDevice};
use crate::device::DeviceError;
use crate::felt::Felt;
use ark_ff::AdditiveGroup;
use std::time::Instant;

/// Number of invocations: enough for the largest GPU.
const INVOCATIONS: usize = 1 << 19;

impl WgpuDevice {
    /// Field multiplications per second when the adapter does nothing else, measured with `4 * rounds` in each of up to
    /// `2^19` invocations (at most as many as a chunk has elements).
    ///
    /// # Errors
    /// Errors reported by the driver.
    pub fn multiplications_per_second(&self, rounds: u32) -> Result<f64, DeviceError> {
        let n = INVOCATIONS.min(self.chunk_len());
        let elements = Allocation::upload(&self.context, &vec![Felt::from(3u64).double(); n], SCRATCH)?;
        let parameters = Parameters::default().words(&[n as u32, rounds]);
        let run = || {
            let start = Instant::now();
            self.launch(Kernel::Multiply, &parameters, &[elements.whole()?], n)?;
            self.ticket().wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        // The first run makes the pipeline and wakes the GPU up.
        run()?;
        let seconds = run()?.min(run()?);
        Ok(4.0 * f64::from(rounds) * n as f64 / seconds)
    }
}
