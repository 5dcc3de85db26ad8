//! The DEEP quotient, computed in strips of rows.

use super::CpuDevice;
use super::powers::{fill_powers, invert};
use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Tag, Ticket, check_range, check_shape};
use crate::felt::limbs::{add, mul_lazy, to_felt};
use crate::felt::{Felt, subgroup_generator};
use crate::ops::{Pole, QuotientOps};
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Rows per strip.
const STRIP: usize = 128;

/// Products below `2 p` that are summed before a reduction.
const LAZY_TERMS: usize = 14;

/// The terms with one denominator: `(sum coefficient * column - constant) / (x - z g^offset)`.
#[derive(Default)]
struct Fraction<'a> {
    terms: Vec<(&'a [Felt], Felt)>,
    constant: Felt,
}

impl QuotientOps for CpuDevice {
    fn deep_quotient(
        &self,
        tables: &[&Columns<Self, Natural>],
        shift: Felt,
        poles: &[Pole],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        check_shape("deep_quotient", "columns of out", 1, out.n_columns())?;
        for table in tables {
            check_shape("deep_quotient", "rows of a table", out.n_rows(), table.n_rows())?;
        }
        let columns: Vec<&[Felt]> = tables
            .iter()
            .flat_map(|table| (0..table.n_columns()).map(|column| table.column(column)))
            .collect();
        let n = out.n_rows();
        let g = subgroup_generator(out.log_len());
        let g_inverse = g.inverse().unwrap_or_default();
        out.elements_mut().fill(Felt::ZERO);
        let mut inverses = self.alloc::<Felt>(n, Tag("quotient"))?;
        for pole in poles {
            let fractions = fractions(&columns, pole, n, g_inverse)?;
            let inverses = inverses.as_mut_slice();
            self.pool.install(|| {
                fill_powers(inverses, shift, g);
                inverses
                    .par_iter_mut()
                    .with_min_len(STRIP)
                    .for_each(|x| *x -= pole.point);
                invert(inverses);
                let strips = out.elements_mut().par_chunks_mut(STRIP).enumerate();
                strips.for_each(|(strip, out)| {
                    for (offset, fraction) in &fractions {
                        fraction.add_to(out, strip * STRIP, inverses, *offset);
                    }
                });
            });
        }
        Ok(Ticket::ready())
    }
}

/// Groups the pole's terms by offset. The coefficients include the factor `g^-offset`.
fn fractions<'a>(
    columns: &[&'a [Felt]],
    pole: &Pole,
    n: usize,
    g_inverse: Felt,
) -> Result<BTreeMap<usize, Fraction<'a>>, DeviceError> {
    let mut fractions = BTreeMap::<usize, Fraction<'_>>::new();
    for term in &pole.terms {
        check_range("deep_quotient", term.column, 1, columns.len())?;
        let offset = term.offset & (n - 1);
        let coefficient = term.coefficient * g_inverse.pow([offset as u64]);
        let fraction = fractions.entry(offset).or_default();
        fraction.terms.push((columns[term.column], coefficient));
        fraction.constant += coefficient * term.value;
    }
    Ok(fractions)
}

impl Fraction<'_> {
    /// Adds the fraction on the rows starting at `first_row`. The inverse of the denominator of row `i` is entry
    /// `i - offset` of `inverses`.
    fn add_to(&self, out: &mut [Felt], first_row: usize, inverses: &[Felt], offset: usize) {
        let mut numerators = [-self.constant; STRIP];
        for terms in self.terms.chunks(LAZY_TERMS) {
            for (column, coefficient) in terms {
                for (sum, cell) in numerators.iter_mut().zip(&column[first_row..][..out.len()]) {
                    sum.0.0 = add(&sum.0.0, &mul_lazy(&coefficient.0.0, &cell.0.0));
                }
            }
            for sum in &mut numerators {
                *sum = to_felt(&sum.0.0);
            }
        }
        let mask = inverses.len() - 1;
        let first = first_row.wrapping_sub(offset);
        for (i, (out, numerator)) in out.iter_mut().zip(&numerators).enumerate() {
            *out += *numerator * inverses[first.wrapping_add(i) & mask];
        }
    }
}
