//! Reading selected rows and elements.

use super::buffer::Allocation;
use super::kernels::{Kernel, arguments};
use super::{CudaBuffer, CudaDevice, SCRATCH};
use crate::device::{DeviceBuffer, DeviceError, Element, Pending, check_range};
use crate::ops::GatherOps;

/// Bytes per word that the kernel moves.
const WORD: usize = 4;

impl GatherOps for CudaDevice {
    fn gather<T: Element>(
        &self,
        from: &CudaBuffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        for index in indices {
            check_range("gather", *index, 1, from.len())?;
        }
        if indices.is_empty() {
            return Ok(Pending::ready(Vec::new()));
        }
        let n = indices.len() as u64;
        let places: Vec<u64> = indices.iter().map(|index| *index as u64).collect();
        let places = Allocation::upload(&self.context, &places, SCRATCH)?;
        let out = Allocation::take::<T>(&self.context, indices.len(), SCRATCH)?;
        const { assert!(size_of::<T>().is_multiple_of(WORD)) };
        let n_words = (size_of::<T>() / WORD) as u32;
        let kernel = Kernel::Gather;
        // SAFETY: the arguments of `gather`; the indices lie in the buffer, and `out` has `n` elements.
        unsafe {
            self.context.launch(
                kernel,
                kernel.grid(n * u64::from(n_words)),
                0,
                arguments![from.address(0), places.address(), out.address(), n, n_words],
            )?;
            self.download_from(out.address(), indices.len())
        }
    }
}
