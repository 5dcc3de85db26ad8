//! Reading selected rows and elements.

use super::kernels::{Kernel, Parameters};
use super::memory::Allocation;
use super::transfer::download;
use super::{SCRATCH, WgpuBuffer, WgpuDevice};
use crate::device::{DeviceBuffer, DeviceError, Element, Pending, check_range};
use crate::ops::GatherOps;
use std::collections::BTreeMap;

/// Bytes per word that the kernel moves.
const WORD: usize = 4;

impl GatherOps for WgpuDevice {
    fn gather<T: Element>(
        &self,
        from: &WgpuBuffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        for index in indices {
            check_range("gather", *index, 1, from.len())?;
        }
        const { assert!(size_of::<T>().is_multiple_of(WORD)) };
        let chunk_len = (self.context.chunk_bytes / size_of::<T>() as u64) as usize;
        let mut by_chunk: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (to, index) in (0u32..).zip(indices) {
            let places = by_chunk.entry(index / chunk_len).or_default();
            places.extend([(index % chunk_len) as u32, to]);
        }
        let out = Allocation::take::<T>(&self.context, indices.len(), SCRATCH)?;
        let n_words = size_of::<T>() / WORD;
        for (chunk, places) in by_chunk {
            let n = places.len() / 2;
            let places = Allocation::upload(&self.context, &places, SCRATCH)?;
            let piece = from.memory.piece::<T>(chunk * chunk_len, 1)?;
            let parameters = Parameters::default().words(&[n as u32, n_words as u32]);
            let buffers = [piece.buffer, places.whole()?, out.whole()?];
            self.launch(Kernel::Gather, &parameters, &buffers, n * n_words)?;
        }
        download(&self.context, &out, 0..indices.len())
    }
}
