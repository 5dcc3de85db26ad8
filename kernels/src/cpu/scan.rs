//! Scans, one chunk per thread. The value before each chunk is applied afterwards.

use super::CpuDevice;
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Ticket};
use crate::felt::Felt;
use crate::ops::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

/// Cells that a thread processes at once.
const CHUNK: usize = 1 << 10;

impl ScanOps for CpuDevice {
    fn permutation_product(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &PermutationArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let original = Side::new(columns, &argument.original, argument);
        let sorted = Side::new(columns, &argument.sorted, argument);
        let n_cells = out.n_rows() / target.step;
        let log_len = out.log_len();
        let column = &mut out.elements_mut()[target.column << log_len..(target.column + 1) << log_len];
        self.pool.install(|| {
            let starts = (0..n_cells).into_par_iter().step_by(CHUNK);
            let mut chunks: Vec<Vec<Felt>> = starts
                .map(|start| {
                    let cells = start..n_cells.min(start + CHUNK);
                    let mut products: Vec<Felt> = cells.clone().map(|cell| sorted.shifted(cell)).collect();
                    ark_ff::batch_inversion(&mut products);
                    let mut product = Felt::ONE;
                    for (cell, ratio) in cells.zip(&mut products) {
                        product *= original.shifted(cell) * *ratio;
                        *ratio = product;
                    }
                    products
                })
                .collect();
            let lasts = chunks
                .iter()
                .map(|chunk| chunk.last().copied().unwrap_or(Felt::ONE));
            let before: Vec<Felt> = lasts
                .scan(Felt::ONE, |product, last| {
                    let before = *product;
                    *product *= last;
                    Some(before)
                })
                .collect();
            let rows = column.par_chunks_mut(CHUNK * target.step);
            rows.zip(&mut chunks)
                .zip(before)
                .for_each(|((rows, products), before)| {
                    let cells = rows.iter_mut().skip(target.offset).step_by(target.step);
                    for (cell, product) in cells.zip(products) {
                        *cell = before * *product;
                    }
                });
        });
        Ok(Ticket::ready())
    }

    fn cumulative_value(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &CumulativeArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let CumulativeArgument { values, z, alpha } = argument;
        let cells = columns.column(values.column);
        let cell = |i: usize| cells[values.offset + i * values.step];
        // The step into cell `i` as an affine map: the factor and the summand.
        let step = |i: usize| {
            let difference = i
                .checked_sub(1)
                .map_or(Felt::ZERO, |before| cell(i) - cell(before));
            (Felt::ONE + *z * difference, *alpha * difference.square())
        };
        let n_cells = out.n_rows() / target.step;
        let log_len = out.log_len();
        let column = &mut out.elements_mut()[target.column << log_len..(target.column + 1) << log_len];
        self.pool.install(|| {
            let starts = (0..n_cells).into_par_iter().step_by(CHUNK);
            let chunks: Vec<(Felt, Felt)> = starts
                .map(|start| {
                    let steps = (start..n_cells.min(start + CHUNK)).map(step);
                    steps.fold((Felt::ONE, Felt::ZERO), |(factor, sum), (by, plus)| {
                        (factor * by, sum * by + plus)
                    })
                })
                .collect();
            let before = chunks.iter().scan(Felt::ONE, |value, (factor, sum)| {
                let before = *value;
                *value = before * factor + sum;
                Some(before)
            });
            let before: Vec<Felt> = before.collect();
            let rows = column.par_chunks_mut(CHUNK * target.step);
            rows.zip(before)
                .enumerate()
                .for_each(|(chunk, (rows, mut value))| {
                    let cells = rows.iter_mut().skip(target.offset).step_by(target.step);
                    for (cell, i) in cells.zip(chunk * CHUNK..) {
                        let (by, plus) = step(i);
                        value = value * by + plus;
                        *cell = value;
                    }
                });
        });
        Ok(Ticket::ready())
    }
}

/// One side of the argument: the cells of its parts, with their weights.
struct Side<'a> {
    parts: Vec<(&'a [Felt], &'a VirtualColumn, Felt)>,
    z: Felt,
}

impl<'a> Side<'a> {
    fn new(
        columns: &'a Columns<CpuDevice, Natural>,
        parts: &'a [VirtualColumn],
        argument: &PermutationArgument,
    ) -> Self {
        let weights = [Felt::ONE].into_iter().chain(argument.alphas.iter().copied());
        let parts = parts.iter().zip(weights);
        Self {
            parts: parts
                .map(|(part, weight)| (columns.column(part.column), part, weight))
                .collect(),
            z: argument.z,
        }
    }

    /// `z` minus the tuple of cell `i`.
    fn shifted(&self, i: usize) -> Felt {
        let cell = |column: &[Felt], part: &VirtualColumn| column[part.offset + i * part.step];
        self.parts.iter().fold(self.z, |rest, (column, part, weight)| {
            rest - if *weight == Felt::ONE {
                cell(column, part)
            } else {
                cell(column, part) * weight
            }
        })
    }
}
