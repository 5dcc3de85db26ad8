//! Rows of many columns in one binding: the columns themselves if they lie in one chunk, otherwise copies of one strip
//! of rows at a time.

use super::memory::Allocation;
use super::transfer::copy;
use super::{SCRATCH, WgpuDevice};
use crate::device::{DeviceError, check_range};
use crate::felt::Felt;
use std::ops::Range;
use wgpu::Buffer;

/// Part of a chunk that a strip may take: one part in this many.
pub(super) const PARTS_OF_CHUNK: usize = 4;

/// Rows of columns in one binding.
pub(super) struct Strip<'a> {
    source: Source<'a>,
    /// For every column, the index of its element at the strip's first row.
    pub(super) starts: Vec<u32>,
}

enum Source<'a> {
    Columns(&'a Allocation),
    Copies(Allocation),
}

impl Strip<'_> {
    pub(super) fn buffer(&self) -> &Buffer {
        match &self.source {
            Source::Columns(memory) => memory.buffer(),
            Source::Copies(memory) => memory.buffer(),
        }
    }
}

impl WgpuDevice {
    /// Rows per strip, for `n_columns` columns of `n_rows` rows: a power of two.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if not even `least` rows fit.
    pub(super) fn strip_rows(
        &self,
        n_columns: usize,
        n_rows: usize,
        least: usize,
    ) -> Result<usize, DeviceError> {
        let most = self.chunk_len() / PARTS_OF_CHUNK / n_columns.max(1);
        check_range("a strip of rows", 0, least, most)?;
        Ok(n_rows.min(1 << most.ilog2()))
    }

    /// Binds `rows` of the columns that begin at these elements. If the memory has more than one chunk, there may be at
    /// most as many rows as [`WgpuDevice::strip_rows`] allows.
    pub(super) fn strip<'a>(
        &self,
        memory: &'a Allocation,
        columns: &[usize],
        rows: Range<usize>,
    ) -> Result<Strip<'a>, DeviceError> {
        if memory.is_one_chunk() {
            let starts = columns.iter().map(|column| (column + rows.start) as u32);
            return Ok(Strip {
                starts: starts.collect(),
                source: Source::Columns(memory),
            });
        }
        let n = rows.len();
        let copies = Allocation::take::<Felt>(&self.context, columns.len() * n, SCRATCH)?;
        for (i, column) in columns.iter().enumerate() {
            let range = column + rows.start..column + rows.end;
            copy::<Felt>(&self.context, (memory, range), (&copies, i * n))?;
        }
        Ok(Strip {
            starts: (0..columns.len()).map(|i| (i * n) as u32).collect(),
            source: Source::Copies(copies),
        })
    }
}
