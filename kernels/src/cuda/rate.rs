//! The GPU's rate of multiplications, from which floors are computed.

use super::kernels::{Kernel, arguments};
use super::{CudaBuffer, CudaDevice, SCRATCH};
use crate::device::DeviceError;
use crate::felt::Felt;
use std::time::Instant;

/// Threads per multiprocessor: as many as it can hold.
const THREADS: usize = 2048;

impl CudaDevice {
    /// Field multiplications per second when the GPU does nothing else, measured with `4 * rounds` in every thread.
    ///
    /// # Errors
    /// Errors reported by the driver.
    pub fn multiplications_per_second(&self, rounds: u32) -> Result<f64, DeviceError> {
        let n = THREADS * self.context.n_multiprocessors as usize;
        let elements = CudaBuffer::<Felt>::zeroed(&self.context, n, SCRATCH)?;
        let run = || {
            let start = Instant::now();
            let grid = Kernel::Multiply.grid(n as u64);
            // SAFETY: the arguments of `multiply`; there is an element for every thread of the grid.
            unsafe {
                self.context
                    .launch(Kernel::Multiply, grid, 0, arguments![elements.address(0), rounds])?;
            }
            self.ticket()?.wait()?;
            Ok(start.elapsed().as_secs_f64())
        };
        // The first run wakes the GPU up.
        run()?;
        let seconds = run()?.min(run()?);
        Ok(4.0 * f64::from(rounds) * n as f64 / seconds)
    }
}
