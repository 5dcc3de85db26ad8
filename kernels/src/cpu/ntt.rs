//! Transforms in passes over tiles that stay in the cache.
//!
//! Evaluation is the decimation-in-time network: each layer joins adjacent polynomials of `half` coefficients.
//! Interpolation runs the same network in reverse. The first layers form the local pass, over runs of a column. The
//! other layers are grouped into strided passes. A strided pass couples elements `2^from` apart; its tiles are copies
//! of these elements together with some neighbouring lanes.

use super::CpuDevice;
use super::powers;
use super::tiles::deal_runs;
use crate::columns::{BitReversed, Columns, Natural};
use crate::device::{DeviceError, Pending, Ticket, check_range, check_shape};
use crate::domain::Coset;
use crate::felt::Felt;
use crate::felt::limbs::{add, mul_lazy, reduce, sub_lazy};
use crate::ops::NttOps;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Logarithm of the largest tile: 128 KiB, and as much again for its twiddles. The growth of lazy sums limits it, too.
const LOG_TILE: u32 = 12;

/// Logarithm of the number of lanes of a strided pass: a run of 512 bytes.
const LOG_LANES: u32 = 4;

/// Elements per block. All layers of a block are run before those of the next block, so that it stays in the
/// first-level cache.
const BLOCK: usize = 1 << 8;

impl NttOps for CpuDevice {
    fn interpolate(
        &self,
        mut columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError> {
        let (n_columns, log_len) = (columns.n_columns(), columns.log_len());
        let scale = Felt::from(columns.n_rows() as u64).inverse().unwrap_or_default();
        self.pool.install(|| {
            let mut twiddles = self.roots.twiddles(Coset { shift, log_len });
            powers::invert(&mut twiddles);
            let elements = columns.elements_mut();
            for layers in strided_passes(log_len).into_iter().rev() {
                run_strided_pass(elements, &twiddles, layers, layers_backwards);
            }
            elements
                .par_chunks_exact_mut(local_len(log_len))
                .for_each(|tile| {
                    layers_backwards(tile, &twiddles, 1);
                    for x in tile {
                        x.0.0 = reduce(&mul_lazy(&scale.0.0, &x.0.0));
                    }
                });
        });
        Columns::from_buffer(columns.into_buffer(), n_columns, log_len)
    }

    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        check_shape(
            "evaluate_coset",
            "columns of out",
            coefficients.n_columns(),
            out.n_columns(),
        )?;
        check_shape(
            "evaluate_coset",
            "rows of out",
            coefficients.n_rows(),
            out.n_rows(),
        )?;
        let log_len = out.log_len();
        self.pool.install(|| {
            let twiddles = self.roots.twiddles(Coset { shift, log_len });
            let elements = out.elements_mut();
            let local_len = local_len(log_len);
            let sources = coefficients.elements().par_chunks_exact(local_len);
            elements
                .par_chunks_exact_mut(local_len)
                .zip(sources)
                .for_each(|(tile, source)| {
                    tile.copy_from_slice(source);
                    layers_forwards(tile, &twiddles, 1);
                });
            for layers in strided_passes(log_len) {
                run_strided_pass(elements, &twiddles, layers, layers_forwards);
            }
        });
        Ok(Ticket::ready())
    }

    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        for (column, _) in at {
            check_range("evaluate_at", *column, 1, coefficients.n_columns())?;
        }
        let values = self.pool.install(|| {
            let points = at.par_iter().with_max_len(1);
            points
                .map(|(column, x)| evaluate_at(coefficients.column(*column), *x))
                .collect()
        });
        Ok(Pending::ready(values))
    }
}

/// Number of elements that the local pass couples.
fn local_len(log_len: u32) -> usize {
    1 << LOG_TILE.min(log_len)
}

/// The layers after the local pass, grouped into passes. A layer is given by the logarithm of `half`.
fn strided_passes(log_len: u32) -> Vec<Range<u32>> {
    let pass_from = |from: u32| (from < log_len).then(|| from..log_len.min(from + LOG_TILE - LOG_LANES));
    std::iter::successors(pass_from(LOG_TILE), |pass| pass_from(pass.end)).collect()
}

/// Runs some layers over all columns: calls `kernel(tile, twiddles, lanes)` for every tile. A tile interleaves `lanes`
/// neighbouring transforms; the twiddles are the tile's own.
fn run_strided_pass(
    elements: &mut [Felt],
    twiddles: &[Felt],
    layers: Range<u32>,
    kernel: impl Fn(&mut [Felt], &[Felt], usize) + Sync,
) {
    let n_rows = 1usize << layers.len();
    let stride = 1 << layers.start;
    let lanes = 1 << LOG_LANES;
    let tiles = deal_runs(elements, lanes, stride / lanes);
    tiles.into_par_iter().enumerate().for_each(|(i, mut runs)| {
        let own_twiddles = (0..n_rows).flat_map(|row| &twiddles[row * stride + i * lanes..][..lanes]);
        let own_twiddles: Vec<Felt> = own_twiddles.copied().collect();
        let mut tile = vec![Felt::ZERO; n_rows * lanes];
        for rows in runs.chunks_exact_mut(n_rows) {
            for (to, from) in tile.chunks_exact_mut(lanes).zip(rows.iter()) {
                to.copy_from_slice(from);
            }
            kernel(&mut tile, &own_twiddles, lanes);
            for (to, from) in rows.iter_mut().zip(tile.chunks_exact(lanes)) {
                to.copy_from_slice(from);
            }
        }
    });
}

/// Replaces `(u, v)` by `(u + w v, u - w v)` in every layer, from `lanes` elements each up to the whole tile.
fn layers_forwards(tile: &mut [Felt], twiddles: &[Felt], lanes: usize) {
    let block = BLOCK.max(lanes).min(tile.len());
    for block in tile.chunks_exact_mut(block) {
        join_layers(block, twiddles, lanes);
    }
    join_layers(tile, twiddles, block);
    for x in tile {
        x.0.0 = reduce(&x.0.0);
    }
}

/// Every layer adds up to `2 p` to the bound: elements below p end below `(1 + 2 LOG_TILE) p`, which leaves room
/// for the `2 p` of a difference.
fn join_layers(elements: &mut [Felt], twiddles: &[Felt], mut half: usize) {
    const { assert!(2 * LOG_TILE < 29) };
    while half < elements.len() {
        let layer = &twiddles[half..2 * half];
        for block in elements.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((u, v), w) in low.iter_mut().zip(high).zip(layer) {
                let product = mul_lazy(&w.0.0, &v.0.0);
                let sum = add(&u.0.0, &product);
                v.0.0 = sub_lazy(&u.0.0, &product);
                u.0.0 = sum;
            }
        }
        half *= 2;
    }
}

/// Replaces `(u, v)` by `(u + v, (u - v) w)` in every layer. The twiddles are inverse, and the factor 1/2 of every
/// layer is left out. Elements stay below `2 p`.
fn layers_backwards(tile: &mut [Felt], twiddles: &[Felt], lanes: usize) {
    let block = BLOCK.max(lanes).min(tile.len());
    part_layers(tile, twiddles, block);
    for block in tile.chunks_exact_mut(block) {
        part_layers(block, twiddles, lanes);
    }
}

/// Runs the layers down to `last_half`.
fn part_layers(elements: &mut [Felt], twiddles: &[Felt], last_half: usize) {
    let mut half = elements.len() / 2;
    while half >= last_half {
        let layer = &twiddles[half..2 * half];
        for block in elements.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((u, v), w) in low.iter_mut().zip(high).zip(layer) {
                let difference = sub_lazy(&u.0.0, &v.0.0);
                u.0.0 = reduce(&add(&u.0.0, &v.0.0));
                v.0.0 = mul_lazy(&w.0.0, &difference);
            }
        }
        half /= 2;
    }
}

/// The value at `x` of the polynomial with these coefficients, in bit-reversed order. Neighbours differ by the highest
/// power, so joining them halves the polynomial.
fn evaluate_at(coefficients: &[Felt], x: Felt) -> Felt {
    /// Coefficients joined to one value without leaving the cache.
    const CHUNK: usize = 1 << 10;
    let log_len = coefficients.len().ilog2() as usize;
    let powers: Vec<Felt> = std::iter::successors(Some(x), |power| Some(power.square()))
        .take(log_len)
        .collect();
    let mut remaining = powers.as_slice();
    let mut values = Cow::Borrowed(coefficients);
    while values.len() > 1 {
        let chunk = CHUNK.min(values.len());
        let (rest, joined) = remaining.split_at(remaining.len() - chunk.ilog2() as usize);
        values = values
            .par_chunks(chunk)
            .map(|chunk| join(chunk, joined))
            .collect::<Vec<_>>()
            .into();
        remaining = rest;
    }
    values[0]
}

/// Joins coefficients to one value. The powers are in ascending order.
fn join(coefficients: &[Felt], powers: &[Felt]) -> Felt {
    let mut values = Cow::Borrowed(coefficients);
    for power in powers.iter().rev() {
        let pairs = values.as_chunks::<2>().0.iter();
        values = pairs
            .map(|[low, high]| *low + *power * high)
            .collect::<Vec<_>>()
            .into();
    }
    values[0]
}
