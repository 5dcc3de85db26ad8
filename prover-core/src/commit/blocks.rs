//! Evaluates again the rows of an extension that was not kept.

use super::trace::Cosets;
use crate::tags::OPENED;
use ark_ff::Field;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Backend, BitReversed, Columns, DeviceError, Felt};

/// Blocks of `2^log_rows` neighbouring rows of the committed table. The points of a block are a coset of the subgroup
/// of that order, so a block costs no more than one point: `n` multiplications per column.
pub(crate) struct Blocks<'a, D: Backend> {
    pub device: &'a D,
    pub cosets: &'a Cosets,
    pub log_rows: u32,
}

impl<D: Backend> Blocks<'_, D> {
    /// The rows of the blocks `indices`, concatenated, each in column order.
    ///
    /// On the coset `x <w>` of a block, `f = sum x^b F_b(x^(2^log_rows))` has `2^log_rows` coefficients
    /// `F_b(x^(2^log_rows))`, which are evaluations of parts of the columns.
    pub fn evaluate(
        &self,
        coefficients: Columns<D, BitReversed>,
        indices: &[usize],
    ) -> Result<Vec<Felt>, DeviceError> {
        let n_columns = coefficients.n_columns();
        let n_rows = 1usize << self.log_rows;
        let parts = coefficients.split(self.log_rows)?;
        let points: Vec<Felt> = indices
            .iter()
            .map(|block| self.cosets.point(block << self.log_rows))
            .collect();
        let at: Vec<(usize, Felt)> = points
            .iter()
            .map(|point| point.pow([n_rows as u64]))
            .flat_map(|power| (0..parts.n_columns()).map(move |part| (part, power)))
            .collect();
        let mut small = self.device.evaluate_at(&parts, &at)?.wait()?;
        // Scale the coefficients for the subgroup itself: f(x w) as a polynomial in w.
        for (block, point) in small.chunks_exact_mut(n_columns * n_rows).zip(&points) {
            let powers: Vec<Felt> = (0..n_rows)
                .map(|b| point.pow([bit_reverse(b, self.log_rows) as u64]))
                .collect();
            for column in block.chunks_exact_mut(n_rows) {
                column.iter_mut().zip(&powers).for_each(|(c, power)| *c *= power);
            }
        }
        let small = self.on_subgroup(&small)?;
        let mut rows = Vec::with_capacity(small.len());
        for block in small.chunks_exact(n_columns * n_rows) {
            for row in (0..n_rows).map(|row| bit_reverse(row, self.log_rows)) {
                rows.extend(block.iter().skip(row).step_by(n_rows));
            }
        }
        Ok(rows)
    }

    /// Evaluates polynomials of `2^log_rows` coefficients each, in bit-reversed order, on the subgroup.
    fn on_subgroup(&self, coefficients: &[Felt]) -> Result<Vec<Felt>, DeviceError> {
        let n = coefficients.len() >> self.log_rows;
        let mut buffer = self.device.alloc(coefficients.len(), OPENED)?;
        self.device.upload(coefficients, &mut buffer, 0)?.detach();
        let coefficients = Columns::from_buffer(buffer, n, self.log_rows)?;
        let mut values = Columns::zeros(self.device, n, self.log_rows, OPENED)?;
        self.device
            .evaluate_coset(&coefficients, Felt::ONE, &mut values)?
            .detach();
        self.device
            .download(values.values(), 0..n << self.log_rows)?
            .wait()
    }
}
