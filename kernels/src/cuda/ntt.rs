//! Transforms in passes of several stages, and single evaluations.

use super::buffer::Allocation;
use super::context::MAX_GRID;
use super::kernels::{Grid, Kernel, arguments};
use super::tables::{LOG_TILE, RootTable, Roots};
use super::{CudaDevice, SCRATCH};
use crate::columns::{BitReversed, Columns, Natural};
use crate::device::{DeviceError, Pending, Tag, Ticket, check_range, check_shape};
use crate::felt::Felt;
use crate::launch::ntt::{Stages, line_scales, passes};
use crate::ops::{HostColumns, Interpolated, NttOps};
use ark_ff::Field;
use std::sync::Arc;

/// Blocks per multiprocessor that keep a GPU busy. Instead of starting more blocks, a block processes further columns
/// with the same scales.
const BLOCKS_PER_MULTIPROCESSOR: u64 = 8;

/// Logarithm of the number of coefficients that a block folds.
const LOG_FOLD: u32 = 10;

/// `Pass` of `ntt.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Pass {
    twiddles: u64,
    scales: u64,
    roots: Roots,
    log_len: u32,
    log_stride: u32,
    log_points: u32,
    log_lines: u32,
    n_columns: u32,
}

/// A transform of columns of one length: its passes in order, each with the scales of the points of its lines.
struct Transform<'a> {
    device: &'a CudaDevice,
    kernel: Kernel,
    twiddles: Arc<Allocation>,
    roots: RootTable,
    log_len: u32,
    passes: Vec<(Stages, Allocation)>,
}

impl<'a> Transform<'a> {
    /// The transform from coefficients to evaluations on `shift * <g>`.
    fn evaluation(device: &'a CudaDevice, log_len: u32, shift: Felt) -> Result<Self, DeviceError> {
        let passes = passes(log_len, LOG_TILE)
            .into_iter()
            .map(|stages| (stages, Felt::ONE));
        Self::new(device, Kernel::EvaluatePass, log_len, shift, passes)
    }

    /// The transform from evaluations on `shift * <g>` to coefficients.
    fn interpolation(device: &'a CudaDevice, log_len: u32, shift: Felt) -> Result<Self, DeviceError> {
        let n_inverse = Felt::from(1u64 << log_len).inverse().unwrap_or_default();
        let shift_inverse = shift.inverse().unwrap_or_default();
        let passes = passes(log_len, LOG_TILE).into_iter().rev().map(|stages| {
            // Every stage doubles the values; the last pass undoes that.
            let is_last = stages.log_stride == 0;
            (stages, if is_last { n_inverse } else { Felt::ONE })
        });
        Self::new(device, Kernel::InterpolatePass, log_len, shift_inverse, passes)
    }

    fn new(
        device: &'a CudaDevice,
        kernel: Kernel,
        log_len: u32,
        shift: Felt,
        passes: impl Iterator<Item = (Stages, Felt)>,
    ) -> Result<Self, DeviceError> {
        let passes = passes
            .map(|(stages, first)| {
                let scales = line_scales(stages, log_len, first, shift);
                Ok((stages, Allocation::upload(&device.context, &scales, SCRATCH)?))
            })
            .collect::<Result<_, DeviceError>>()?;
        Ok(Self {
            device,
            kernel,
            twiddles: device.twiddles(kernel == Kernel::InterpolatePass)?,
            roots: device.roots(log_len)?,
            log_len,
            passes,
        })
    }

    /// Enqueues all passes over `n_columns` columns. All passes but the first work in place.
    ///
    /// # Safety
    /// There must be `n_columns` columns of the transform's length at both addresses.
    unsafe fn run(&self, from: u64, to: u64, n_columns: usize) -> Result<(), DeviceError> {
        let mut from = from;
        for (stages, scales) in &self.passes {
            let Stages {
                log_stride,
                log_points,
            } = *stages;
            let log_lines = (LOG_TILE - log_points).min(self.log_len - log_points);
            let pass = Pass {
                twiddles: self.twiddles.address(),
                scales: scales.address(),
                roots: self.roots.roots,
                log_len: self.log_len,
                log_stride,
                log_points,
                log_lines,
                n_columns: u32::try_from(n_columns).unwrap_or(u32::MAX),
            };
            let n_tiles = 1u64 << (self.log_len - log_points - log_lines);
            let context = &self.device.context;
            let busy = BLOCKS_PER_MULTIPROCESSOR * u64::from(context.n_multiprocessors);
            let n_groups = busy
                .div_ceil(n_tiles)
                .clamp(1, n_columns.clamp(1, 1 << 15) as u64);
            let grid = Grid {
                x: n_tiles,
                y: n_groups,
            };
            // SAFETY: the arguments of both kernels; the columns exist by contract, and the tables are as long as the
            // stages require.
            unsafe { context.launch(self.kernel, grid, 0, arguments![from, to, pass])? };
            from = to;
        }
        Ok(())
    }
}

impl NttOps for CudaDevice {
    fn interpolate(
        &self,
        columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError> {
        let (log_len, n_columns) = (columns.log_len(), columns.n_columns());
        let at = columns.column_address(0);
        // SAFETY: there are `n_columns` columns at `at`.
        unsafe { Transform::interpolation(self, log_len, shift)?.run(at, at, n_columns)? };
        Columns::from_buffer(columns.into_buffer(), n_columns, log_len)
    }

    fn upload_and_interpolate(
        &self,
        columns: &HostColumns<'_>,
        shift: Felt,
        kept: &[usize],
        kept_tag: Tag,
    ) -> Result<Interpolated<Self>, DeviceError> {
        columns.check(kept)?;
        let &HostColumns { values, log_len, tag } = columns;
        let context = &self.context;
        let columns = Columns::<_, BitReversed>::unwritten(self, values.len(), log_len, tag)?;
        let as_they_came = Columns::unwritten(self, kept.len(), log_len, kept_tag)?;
        let transform = Transform::interpolation(self, log_len, shift)?;
        // Uploads wait for the allocation of the memory, which is in the order of the work.
        context.order(context.work, context.uploads)?;
        for (i, column) in values.iter().enumerate() {
            let (at, bytes) = (columns.column_address(i), size_of_val(&column[..]));
            // SAFETY: the column has this many bytes on both sides.
            let uploaded =
                unsafe { context.upload_bytes(context.uploads, column.as_ptr().cast(), at, bytes) };
            // Even if an upload failed, part of it may still be on its way, to memory that the work frees.
            context.order(context.uploads, context.work).and(uploaded)?;
            for (to, _) in kept.iter().enumerate().filter(|(_, from)| **from == i) {
                // SAFETY: both are columns of that length, in two different buffers.
                unsafe { context.copy_across(at, as_they_came.column_address(to), bytes)? };
            }
            // SAFETY: there is one column at `at`.
            unsafe { transform.run(at, at, 1)? };
        }
        Ok((columns, as_they_came))
    }

    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let (log_len, n_columns) = (coefficients.log_len(), coefficients.n_columns());
        check_shape("evaluate_coset", "columns of out", n_columns, out.n_columns())?;
        check_shape(
            "evaluate_coset",
            "rows of out",
            coefficients.n_rows(),
            out.n_rows(),
        )?;
        let (from, to) = (coefficients.column_address(0), out.column_address(0));
        // SAFETY: there are `n_columns` columns on both sides.
        unsafe { Transform::evaluation(self, log_len, shift)?.run(from, to, n_columns)? };
        self.ticket()
    }

    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        for (column, _) in at {
            check_range("evaluate_at", *column, 1, coefficients.n_columns())?;
        }
        if at.is_empty() {
            return Ok(Pending::ready(Vec::new()));
        }
        let log_len = coefficients.log_len();
        let points = Points::new(at, log_len);
        let powers = Allocation::upload(&self.context, &points.powers, SCRATCH)?;
        let mut groups: Vec<Group> = points
            .columns
            .iter()
            .map(|(column, range)| Group::new(column << log_len, range.start, range.end))
            .collect();
        let mut values = None;
        let mut folded = 0;
        loop {
            let from = values
                .as_ref()
                .map_or(coefficients.values().address(0), Allocation::address);
            let log_tile = LOG_FOLD.min(log_len - folded);
            let n_partials = 1usize << (log_len - folded - log_tile);
            let out = Allocation::take::<Felt>(&self.context, at.len() * n_partials, SCRATCH)?;
            let table = Allocation::upload(&self.context, &groups, SCRATCH)?;
            // There is one block per group in y, a dimension in which a launch may have few blocks.
            for first in (0..groups.len()).step_by(MAX_GRID.y as usize) {
                let n_groups = (groups.len() - first).min(MAX_GRID.y as usize);
                let grid = Grid {
                    x: n_partials as u64,
                    y: n_groups as u64,
                };
                // SAFETY: the arguments of `evaluate_fold`; a group's coefficients lie in their buffer, and `out` has
                // a partial for every tile of every point.
                unsafe {
                    self.context.launch(
                        Kernel::EvaluateFold,
                        grid,
                        0,
                        arguments![
                            from,
                            out.address(),
                            table.address() + (first * size_of::<Group>()) as u64,
                            powers.address(),
                            log_len,
                            folded,
                            log_tile
                        ],
                    )?;
                }
            }
            values = Some(out);
            folded += log_tile;
            if folded == log_len {
                break;
            }
            groups = (0..at.len())
                .map(|i| Group::new(i * n_partials, i as u32, i as u32 + 1))
                .collect();
        }
        let address = values.as_ref().map_or(0, Allocation::address);
        // SAFETY: there is one value per point.
        let pending = unsafe { self.download_from::<Felt>(address, at.len())? };
        Ok(Pending::waiting(move || {
            Ok(Points::restore(points.order, pending.wait()?))
        }))
    }
}

/// Single evaluations, grouped by column.
struct Points {
    /// For every evaluation in this order, its index among those requested.
    order: Vec<usize>,
    /// For every evaluation, the powers that fold `2^log_len` coefficients: `x^(n/2), x^(n/4), .., x`.
    powers: Vec<Felt>,
    /// The columns, each with its evaluations as a range of the order.
    columns: Vec<(usize, std::ops::Range<u32>)>,
}

impl Points {
    fn new(at: &[(usize, Felt)], log_len: u32) -> Self {
        let mut order: Vec<usize> = (0..at.len()).collect();
        order.sort_by_key(|i| at[*i].0);
        let squares = |i: &usize| {
            let mut squares: Vec<Felt> = std::iter::successors(Some(at[*i].1), |x| Some(x.square()))
                .take(log_len as usize)
                .collect();
            squares.reverse();
            squares
        };
        let powers = order.iter().flat_map(squares).collect();
        let mut end = 0;
        let columns = order.chunk_by(|i, j| at[*i].0 == at[*j].0).map(|group| {
            let first = end;
            end += group.len() as u32;
            (at[group[0]].0, first..end)
        });
        let columns = columns.collect();
        Self {
            order,
            powers,
            columns,
        }
    }

    /// Returns the values to the order in which they were requested.
    fn restore(order: Vec<usize>, sorted: Vec<Felt>) -> Vec<Felt> {
        let mut values = vec![Felt::default(); sorted.len()];
        for (i, value) in order.into_iter().zip(sorted) {
            values[i] = value;
        }
        values
    }
}

/// `HornerGroup` of `ntt.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Group {
    start: u64,
    first_point: u32,
    end_point: u32,
}

impl Group {
    fn new(start: usize, first_point: u32, end_point: u32) -> Self {
        Self {
            start: start as u64,
            first_point,
            end_point,
        }
    }
}
