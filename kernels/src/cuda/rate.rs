//! The card's own rate of multiplications, which floors are computed from.

use super::kernels::{Kernel, arguments};
use super::{CudaBuffer, CudaDevice, SCRATCH};
use crate::device::DeviceError;
use crate::felt::Felt;
use std::time::Instant;

/// Threads for every multiprocessor: as many as it can hold.
const THREADS: usize = 2048;

impl CudaDevice {
    /// Field multiplications a second, when the card does nothing else: `4 * rounds` in every thread.
    ///
    /// # Errors
    /// What the driver says.
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
        // The first run wakes the card up.
        run()?;
        let seconds = run()?.min(run()?);
        Ok(4.0 * f64::from(rounds) * n as f64 / seconds)
    }
}
