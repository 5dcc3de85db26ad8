//! Folding: element `i` is paired with its opposite, half a column ahead.

use super::CpuDevice;
use super::powers::powers;
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Tag, Ticket, check_shape};
use crate::felt::{Felt, subgroup_generator};
use crate::ops::{FoldOps, check_split, half_len};
use ark_ff::Field;
use rayon::prelude::*;

/// Rows that a thread processes at once.
const CHUNK: usize = 1 << 10;

impl FoldOps for CpuDevice {
    fn fold(
        &self,
        layer: &Columns<Self, Natural>,
        shifts: &[Felt],
        point: Felt,
    ) -> Result<Columns<Self, Natural>, DeviceError> {
        check_shape("fold", "shifts", layer.n_columns(), shifts.len())?;
        let half = half_len("fold", layer)?;
        let mut out = Columns::zeros(self, layer.n_columns(), layer.log_len() - 1, Tag("FRI layer"))?;
        self.pool.install(|| {
            let inverse_roots = inverse_roots(layer.log_len(), half);
            let outs = out.elements_mut().chunks_exact_mut(half);
            for ((column, out), shift) in layer.elements().chunks_exact(2 * half).zip(outs).zip(shifts) {
                let factor = point * shift.inverse().unwrap_or_default();
                let (low, high) = column.split_at(half);
                let opposites = low.par_iter().zip(high).zip(&inverse_roots);
                out.par_iter_mut().with_min_len(CHUNK).zip(opposites).for_each(
                    |(out, ((low, high), root))| {
                        *out = *low + high + (*low - high) * (factor * root);
                    },
                );
            }
        });
        Ok(out)
    }

    fn split_even_odd(
        &self,
        column: &Columns<Self, Natural>,
        shift: Felt,
        phase: usize,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let half = check_split(column, phase, out)?;
        self.pool.install(|| {
            let inverse_roots = inverse_roots(column.log_len(), half);
            let one_half = Felt::from(2u64).inverse().unwrap_or_default();
            let factor = one_half * shift.inverse().unwrap_or_default();
            let (even, odd) = out.elements_mut().split_at_mut(2 * half);
            let (low, high) = column.elements().split_at(half);
            let rows = even
                .par_chunks_exact_mut(2)
                .zip(odd.par_chunks_exact_mut(2))
                .with_min_len(CHUNK);
            let opposites = low.par_iter().zip(high).zip(&inverse_roots);
            rows.zip(opposites)
                .for_each(|((even, odd), ((low, high), root))| {
                    even[phase] = (*low + high) * one_half;
                    odd[phase] = (*low - high) * (factor * root);
                });
        });
        Ok(Ticket::ready())
    }
}

/// `g^-i` for the first half of the subgroup.
fn inverse_roots(log_len: u32, half: usize) -> Vec<Felt> {
    let inverse = subgroup_generator(log_len).inverse().unwrap_or_default();
    powers(Felt::ONE, inverse, half)
}
