//! The device's own operation: the transform, as a textbook has it.

use crate::delegated::lend;
use crate::device::OwnDevice;
use ark_ff::Field;
use quarry_kernels::device::check_shape;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::felt::{Felt, subgroup_generator};
use quarry_kernels::ops::NttOps;
use quarry_kernels::{BitReversed, Columns, Device, DeviceError, Natural, Pending, Ticket};

impl NttOps for OwnDevice {
    fn interpolate(
        &self,
        mut columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError> {
        let (n_columns, log_len) = (columns.n_columns(), columns.log_len());
        for i in 0..n_columns {
            let mut column = columns.download(self, i)?;
            to_coefficients(&mut column, shift);
            self.upload(&column, columns.values_mut(), i << log_len)?.wait()?;
        }
        Columns::from_buffer(columns.into_buffer(), n_columns, log_len)
    }

    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let operation = "evaluate_coset";
        let (n_columns, log_len) = (coefficients.n_columns(), coefficients.log_len());
        check_shape(operation, "columns of out", n_columns, out.n_columns())?;
        check_shape(operation, "rows of out", coefficients.n_rows(), out.n_rows())?;
        for i in 0..n_columns {
            let mut column = coefficients.download(self, i)?;
            to_values(&mut column, shift);
            self.upload(&column, out.values_mut(), i << log_len)?.wait()?;
        }
        Ok(Ticket::ready())
    }

    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        self.cpu.evaluate_at(&lend(&self.cpu, coefficients)?, at)
    }
}

/// From coefficients in bit-reversed order to values on the coset in natural order.
fn to_values(column: &mut [Felt], shift: Felt) {
    scale(column, Felt::ONE, shift);
    for log_half in 0..column.len().ilog2() {
        let root = subgroup_generator(log_half + 1);
        butterflies(column, 1 << log_half, root, |a, b, power| {
            (a + b * power, a - b * power)
        });
    }
}

/// The inverse of [`to_values`].
fn to_coefficients(column: &mut [Felt], shift: Felt) {
    for log_half in (0..column.len().ilog2()).rev() {
        let root = inverse(subgroup_generator(log_half + 1));
        butterflies(column, 1 << log_half, root, |a, b, power| {
            (a + b, (a - b) * power)
        });
    }
    scale(column, inverse(Felt::from(column.len() as u64)), inverse(shift));
}

/// Replaces all pairs of elements that are `half` apart in blocks of `2 half`. The butterfly of pair `i` gets `root^i`.
fn butterflies(
    column: &mut [Felt],
    half: usize,
    root: Felt,
    butterfly: impl Fn(Felt, Felt, Felt) -> (Felt, Felt),
) {
    for block in column.chunks_exact_mut(2 * half) {
        let (low, high) = block.split_at_mut(half);
        let mut power = Felt::ONE;
        for (a, b) in low.iter_mut().zip(high) {
            (*a, *b) = butterfly(*a, *b, power);
            power *= root;
        }
    }
}

/// Multiplies the coefficient of `x^k`, which bit-reversed order has at `bit_reverse(k)`, by `factor * shift^k`.
fn scale(column: &mut [Felt], factor: Felt, shift: Felt) {
    let log_len = column.len().ilog2();
    let mut power = factor;
    for k in 0..column.len() {
        column[bit_reverse(k, log_len)] *= power;
        power *= shift;
    }
}

/// The inverse; a shift of 0 violates the contract, and has none.
fn inverse(x: Felt) -> Felt {
    x.inverse().unwrap_or_default()
}
