//! Scans in runs, followed by scans of the runs' folds. Long columns are processed in segments.

use super::kernels::{Kernel, Parameters};
use super::memory::Allocation;
use super::{SCRATCH, WgpuBuffer, WgpuDevice};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceBuffer, DeviceError, Ticket};
use crate::felt::Felt;
use crate::launch::scan::{INVERT_RUN, RUN};
use crate::ops::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};
use ark_ff::Field;
use std::ops::Range;

/// How pairs are joined: the kernels that fold runs and those that scan them.
struct Monoid {
    fold: Kernel,
    scan: Kernel,
}

/// Two products side by side.
const PRODUCTS: Monoid = Monoid {
    fold: Kernel::FoldProducts,
    scan: Kernel::ScanProducts,
};

/// Maps `x -> a x + b`, composed in order.
const AFFINE: Monoid = Monoid {
    fold: Kernel::FoldAffine,
    scan: Kernel::ScanAffine,
};

impl WgpuDevice {
    /// Replaces each of `n` pairs by the fold of all pairs before it.
    fn exclusive_scan(&self, monoid: &Monoid, pairs: &Allocation, n: usize) -> Result<(), DeviceError> {
        let n_runs = n.div_ceil(RUN as usize);
        let folds = Allocation::take::<Felt>(&self.context, 2 * n_runs, SCRATCH)?;
        let has_before = n_runs > 1;
        let parameters = Parameters::default().words(&[n as u32, u32::from(has_before)]);
        if has_before {
            let buffers = [&self.context.nothing, pairs.whole()?, folds.whole()?];
            self.launch(monoid.fold, &parameters, &buffers, n_runs)?;
            self.exclusive_scan(monoid, &folds, n_runs)?;
        }
        let buffers = [folds.whole()?, pairs.whole()?, &self.context.unused];
        self.launch(monoid.scan, &parameters, &buffers, n_runs)
    }

    /// Replaces the folds of runs by the products of everything before them and after them. One more pair becomes the
    /// product of all; products of denominators are inverted.
    fn scan_products(&self, folds: &Allocation, n_runs: usize) -> Result<(), DeviceError> {
        self.exclusive_scan(&PRODUCTS, folds, n_runs + 1)?;
        let parameters = Parameters::default().words(&[n_runs as u32]);
        self.launch(Kernel::InverseOfAll, &parameters, &[folds.whole()?], 1)
    }

    /// Inverts every element. No element may be 0.
    pub(super) fn invert(&self, elements: &mut WgpuBuffer<Felt>) -> Result<(), DeviceError> {
        let n = elements.len();
        for piece in elements.memory.pieces::<Felt>(0..n) {
            let n_runs = piece.len.div_ceil(INVERT_RUN as usize);
            let folds = Allocation::take::<Felt>(&self.context, 2 * (n_runs + 1), SCRATCH)?;
            let parameters = Parameters::default().words(&[piece.len as u32, n_runs as u32]);
            let buffers = [piece.buffer, folds.whole()?];
            self.launch(Kernel::InverseFolds, &parameters, &buffers, n_runs)?;
            self.scan_products(&folds, n_runs)?;
            self.launch(Kernel::InverseWrite, &parameters, &buffers, n_runs)?;
        }
        Ok(())
    }

    /// The ranges of rows that a scan processes one at a time. If the columns lie in one chunk, there is one range of
    /// all rows; otherwise, `n_parts` columns of a range fit in one binding.
    fn segments(
        &self,
        columns: &Columns<Self, Natural>,
        out: &Columns<Self, Natural>,
        n_parts: usize,
        step: usize,
    ) -> Result<impl Iterator<Item = Range<usize>> + use<>, DeviceError> {
        let n_rows = columns.n_rows();
        let at_once = columns.values().memory.is_one_chunk() && out.values().memory.is_one_chunk();
        let n = if at_once {
            n_rows
        } else {
            // A cumulative value reads one more cell, from the `step` rows before the range.
            self.strip_rows(2 * n_parts, n_rows, step)?
        };
        Ok((0..n_rows).step_by(n).map(move |first| first..first + n))
    }
}

/// Index of the first element of each column.
fn column_starts(columns: &Columns<WgpuDevice, Natural>, cells: &[VirtualColumn]) -> Vec<usize> {
    let start = |cells: &VirtualColumn| cells.column << columns.log_len();
    cells.iter().map(start).collect()
}

impl ScanOps for WgpuDevice {
    fn permutation_product(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &PermutationArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let n_parts = argument.original.len();
        let cells: Vec<_> = argument
            .original
            .iter()
            .chain(&argument.sorted)
            .copied()
            .collect();
        let carries = Allocation::upload(&self.context, &[Felt::ONE; 2], SCRATCH)?;
        let segments = self.segments(columns, out, cells.len(), target.step)?;
        for (segment, rows) in segments.enumerate() {
            let n_cells = rows.len() / target.step;
            let n_runs = n_cells.div_ceil(RUN as usize);
            let starts = column_starts(columns, &cells);
            let strip = self.strip(&columns.values().memory, &starts, rows.clone())?;
            let weights = [Felt::ONE].into_iter().chain(argument.alphas.iter().copied());
            let weights: Vec<_> = weights.collect();
            let mut parts = Vec::new();
            for (i, (cells, start)) in cells.iter().zip(&strip.starts).enumerate() {
                let part = i % n_parts;
                let start = start + cells.offset as u32;
                parts.extend(super::kernels::limbs(&weights[part]));
                parts.extend([start, u32::from(part == 0), 0, 0]);
            }
            let parts = Allocation::upload(&self.context, &parts, SCRATCH)?;
            let folds = Allocation::take::<Felt>(&self.context, 2 * (n_runs + 1), SCRATCH)?;
            let first = (target.column << out.log_len()) + rows.start;
            let to = out.values().memory.piece::<Felt>(first, rows.len())?;
            let parameters = Parameters::default().felt(&argument.z).words(&[
                n_parts as u32,
                target.step as u32,
                n_cells as u32,
                n_runs as u32,
                to.start + target.offset as u32,
                segment as u32 % 2,
            ]);
            let buffers = [
                strip.buffer(),
                parts.whole()?,
                folds.whole()?,
                carries.buffer(),
                to.buffer,
            ];
            self.launch(Kernel::PermutationFolds, &parameters, &buffers, n_runs)?;
            self.scan_products(&folds, n_runs)?;
            self.launch(Kernel::PermutationWrite, &parameters, &buffers, n_runs)?;
        }
        Ok(self.ticket())
    }

    fn cumulative_value(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &CumulativeArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let CumulativeArgument { values, z, alpha } = *argument;
        let carries = Allocation::upload(&self.context, &[Felt::ONE; 2], SCRATCH)?;
        for (segment, rows) in self.segments(columns, out, 1, target.step)?.enumerate() {
            let n_cells = rows.len() / target.step;
            let n_runs = n_cells.div_ceil(RUN as usize);
            // The last cell of the segment before is read with this segment.
            let before = if segment == 0 { 0 } else { target.step };
            let starts = column_starts(columns, &[values]);
            let strip = self.strip(&columns.values().memory, &starts, rows.start - before..rows.end)?;
            let folds = Allocation::take::<Felt>(&self.context, 2 * n_runs, SCRATCH)?;
            let first = (target.column << out.log_len()) + rows.start;
            let to = out.values().memory.piece::<Felt>(first, rows.len())?;
            let parameters = Parameters::default().felt(&z).felt(&alpha).words(&[
                strip.starts[0] + (before + values.offset) as u32,
                u32::from(segment > 0),
                target.step as u32,
                n_cells as u32,
                to.start + target.offset as u32,
                segment as u32 % 2,
            ]);
            let buffers = [strip.buffer(), folds.whole()?, carries.buffer(), to.buffer];
            self.launch(Kernel::CumulativeFolds, &parameters, &buffers, n_runs)?;
            self.exclusive_scan(&AFFINE, &folds, n_runs)?;
            self.launch(Kernel::CumulativeWrite, &parameters, &buffers, n_runs)?;
        }
        Ok(self.ticket())
    }
}
