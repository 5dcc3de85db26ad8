//! Transforms, in passes of several stages.

use super::kernels::{Kernel, Parameters};
use super::memory::Allocation;
use super::transfer::copy;
use super::{SCRATCH, WgpuDevice};
use crate::columns::{BitReversed, Columns, Natural};
use crate::device::{DeviceError, Pending, Ticket, check_range, check_shape};
use crate::felt::Felt;
use crate::launch::ntt::{Stages, line_scales, passes};
use crate::launch::tables::log_low;
use crate::ops::NttOps;
use ark_ff::Field;
use std::sync::Arc;
use wgpu::Buffer;

/// Workgroups that keep a GPU busy. Instead of starting more workgroups, a workgroup processes further columns with
/// the same scales.
const BUSY: u64 = 1 << 11;

/// What all passes of a transform share.
struct Transform<'a> {
    device: &'a WgpuDevice,
    evaluate: bool,
    twiddles: Arc<Allocation>,
    roots: Arc<Allocation>,
    log_len: u32,
    n_columns: usize,
}

/// A launch on columns that lie in the bound buffers.
struct Tiles<'a> {
    from: (&'a Buffer, u32),
    to: (&'a Buffer, u32),
    n_columns: usize,
    /// Logarithms of the number of bound elements per column, and of the stride between the points of a line.
    log_bound: u32,
    log_stride: u32,
    /// The row of the first line in its block.
    first_row: usize,
}

impl Transform<'_> {
    /// Runs one pass. Element `q` of `scales` scales point `q` of the lines that begin a block.
    fn pass(
        &self,
        stages: Stages,
        scales: &[Felt],
        from: &Allocation,
        to: &Allocation,
    ) -> Result<(), DeviceError> {
        let scales = Allocation::upload(&self.device.context, scales, SCRATCH)?;
        let log_chunk = self.device.chunk_len().ilog2();
        if stages.log_stride + stages.log_points > log_chunk {
            return self.pass_across(stages, &scales, to);
        }
        // As many whole columns as fit in a chunk, or parts of one column that are whole blocks.
        let log_bound = self.log_len.min(log_chunk);
        let n_parts = self.n_columns << (self.log_len - log_bound);
        let parts_at_once = 1 << (log_chunk - log_bound);
        for part in (0..n_parts).step_by(parts_at_once) {
            let source = from.piece::<Felt>(part << log_bound, 1 << log_bound)?;
            let target = to.piece::<Felt>(part << log_bound, 1 << log_bound)?;
            let tiles = Tiles {
                from: (source.buffer, source.start),
                to: (target.buffer, target.start),
                n_columns: parts_at_once.min(n_parts - part),
                log_bound,
                log_stride: stages.log_stride,
                first_row: 0,
            };
            self.tiles(stages, &scales, &tiles)?;
        }
        Ok(())
    }

    /// Runs a pass whose lines have points in several chunks, in place: some rows of a block at a time are copied
    /// together, transformed and copied back.
    fn pass_across(
        &self,
        stages: Stages,
        scales: &Allocation,
        memory: &Allocation,
    ) -> Result<(), DeviceError> {
        let Stages {
            log_stride,
            log_points,
        } = stages;
        let n_points = 1 << log_points;
        let rows = self.device.strip_rows(n_points, 1 << log_stride, 1)?;
        let log_rows = rows.ilog2();
        let context = &self.device.context;
        let copies = Allocation::take::<Felt>(context, n_points * rows, SCRATCH)?;
        for block in 0..self.n_columns << (self.log_len - log_stride - log_points) {
            let block = block << (log_stride + log_points);
            for first_row in (0..1 << log_stride).step_by(rows) {
                let run = |point: usize| block + (point << log_stride) + first_row;
                for point in 0..n_points {
                    let range = run(point)..run(point) + rows;
                    copy::<Felt>(context, (memory, range), (&copies, point * rows))?;
                }
                let tiles = Tiles {
                    from: (copies.buffer(), 0),
                    to: (copies.whole()?, 0),
                    n_columns: 1,
                    log_bound: log_points + log_rows,
                    log_stride: log_rows,
                    first_row,
                };
                self.tiles(stages, scales, &tiles)?;
                for point in 0..n_points {
                    let range = point * rows..(point + 1) * rows;
                    copy::<Felt>(context, (&copies, range), (memory, run(point)))?;
                }
            }
        }
        Ok(())
    }

    fn tiles(&self, stages: Stages, scales: &Allocation, tiles: &Tiles<'_>) -> Result<(), DeviceError> {
        let device = self.device;
        let log_tile = device.context.pipelines.variant().log_tile;
        let log_points = stages.log_points;
        let log_lines = (log_tile - log_points).min(tiles.log_bound - log_points);
        let n_tiles = 1u64 << (tiles.log_bound - log_points - log_lines);
        let parameters = Parameters::default().words(&[
            tiles.log_stride,
            log_points,
            log_lines,
            self.log_len - stages.log_stride - log_points,
            tiles.first_row as u32,
            1 << tiles.log_bound,
            tiles.n_columns as u32,
            tiles.from.1,
            tiles.to.1,
            n_tiles as u32,
            log_low(self.log_len),
            self.log_len,
        ]);
        let mut buffers = vec![
            self.twiddles.buffer(),
            scales.whole()?,
            self.roots.buffer(),
            tiles.to.0,
        ];
        let kernel = match (self.evaluate, tiles.from == tiles.to) {
            (true, true) => Kernel::EvaluateInPlace,
            (true, false) => Kernel::EvaluateApart,
            (false, _) => Kernel::Interpolate,
        };
        if kernel == Kernel::EvaluateApart {
            buffers.push(tiles.from.0);
        }
        let n_groups = BUSY
            .div_ceil(n_tiles)
            .clamp(1, tiles.n_columns.clamp(1, 1 << 15) as u64);
        device
            .context
            .launch(kernel, parameters.bytes(), &buffers, n_tiles, n_groups as usize)
    }
}

impl NttOps for WgpuDevice {
    fn interpolate(
        &self,
        columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError> {
        let (log_len, n_columns) = (columns.log_len(), columns.n_columns());
        let transform = Transform {
            device: self,
            evaluate: false,
            twiddles: self.twiddles(true)?,
            roots: self.roots(log_len)?,
            log_len,
            n_columns,
        };
        let n_inverse = Felt::from(1u64 << log_len).inverse().unwrap_or_default();
        let shift_inverse = shift.inverse().unwrap_or_default();
        let memory = &columns.values().memory;
        for stages in self.passes(log_len).into_iter().rev() {
            // Every stage doubles the values; the last pass undoes that.
            let first = if stages.log_stride == 0 {
                n_inverse
            } else {
                Felt::ONE
            };
            let scales = line_scales(stages, log_len, first, shift_inverse);
            transform.pass(stages, &scales, memory, memory)?;
        }
        Columns::from_buffer(columns.into_buffer(), n_columns, log_len)
    }

    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let (n_columns, n_rows) = (coefficients.n_columns(), coefficients.n_rows());
        check_shape("evaluate_coset", "columns of out", n_columns, out.n_columns())?;
        check_shape("evaluate_coset", "rows of out", n_rows, out.n_rows())?;
        let log_len = coefficients.log_len();
        let transform = Transform {
            device: self,
            evaluate: true,
            twiddles: self.twiddles(false)?,
            roots: self.roots(log_len)?,
            log_len,
            n_columns,
        };
        let to = &out.values().memory;
        for stages in self.passes(log_len) {
            let from = if stages.log_stride == 0 {
                &coefficients.values().memory
            } else {
                to
            };
            let scales = line_scales(stages, log_len, Felt::ONE, shift);
            transform.pass(stages, &scales, from, to)?;
        }
        Ok(self.ticket())
    }

    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        for (column, _) in at {
            check_range("evaluate_at", *column, 1, coefficients.n_columns())?;
        }
        self.evaluate_points(coefficients, at)
    }
}

impl WgpuDevice {
    /// The passes of a transform. The blocks of the first pass lie in one chunk.
    fn passes(&self, log_len: u32) -> Vec<Stages> {
        passes(log_len, self.context.pipelines.variant().log_tile)
    }
}
