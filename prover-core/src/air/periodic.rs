//! Periodic columns: public columns whose values repeat.

use super::AirError;
use ark_ff::{Field, One};
use quarry_kernels::{Felt, felt};

/// A column that holds `values[i]` in row `i * step` and then repeats. As a polynomial in the trace's points it is
/// `P(x^(n / (len * step)))`, where `P` interpolates the values on the subgroup of order `len`.
#[derive(Clone, Debug)]
pub struct PeriodicColumn {
    /// Its name.
    pub name: String,
    /// Distance between neighbouring values, in rows.
    pub step: usize,
    /// The coefficients of `P`, lowest first.
    coefficients: Vec<Felt>,
}

impl PeriodicColumn {
    /// The column with these values; their number and `step` must be powers of two.
    ///
    /// # Errors
    /// [`AirError::Periodic`] if the column does not fit a trace of `trace_length` rows.
    pub fn new(name: &str, step: usize, values: &[Felt], trace_length: usize) -> Result<Self, AirError> {
        let len = values.len();
        let fits = len.is_power_of_two()
            && step.is_power_of_two()
            && len.checked_mul(step).is_some_and(|period| period <= trace_length);
        if !fits {
            return Err(AirError::Periodic {
                name: name.to_owned(),
                len,
                step,
                trace_length,
            });
        }
        let root = felt::subgroup_generator(len.ilog2());
        let scale = Felt::from(len as u64).inverse().unwrap_or_default();
        let mut coefficients = transform(values, root.inverse().unwrap_or_default());
        coefficients.iter_mut().for_each(|c| *c *= scale);
        Ok(Self {
            name: name.to_owned(),
            step,
            coefficients,
        })
    }

    /// Number of rows after which the column repeats.
    pub fn period(&self) -> usize {
        self.coefficients.len() * self.step
    }

    /// The column's polynomial at `x`, for a trace of `trace_length` rows.
    pub fn evaluate_at(&self, x: Felt, trace_length: usize) -> Felt {
        let y = x.pow([(trace_length / self.period()) as u64]);
        self.coefficients
            .iter()
            .rfold(Felt::default(), |sum, c| sum * y + c)
    }

    /// The column's values on the coset `shift * <g>` of the trace's length: one period, natural order.
    pub fn on_coset(&self, shift: Felt, trace_length: usize) -> Vec<Felt> {
        let shift = shift.pow([(trace_length / self.period()) as u64]);
        on_coset(&self.coefficients, shift, self.period())
    }
}

/// The polynomial with these coefficients on `shift * <g>`, where `g` has order `order`, in natural order. The number
/// of coefficients and `order` are powers of two, and `order` is at least the number of coefficients.
pub(super) fn on_coset(coefficients: &[Felt], shift: Felt, order: usize) -> Vec<Felt> {
    let (len, step) = (coefficients.len(), order / coefficients.len());
    let root = felt::subgroup_generator(len.ilog2());
    let generator = felt::subgroup_generator(order.ilog2());
    let mut values = vec![Felt::default(); order];
    let mut first = shift;
    // Every `step`-th point lies in one coset of the subgroup of order `len`.
    for row in 0..step {
        let mut power = Felt::one();
        let mut scaled = coefficients.to_vec();
        for c in &mut scaled {
            *c *= power;
            power *= first;
        }
        for (i, value) in transform(&scaled, root).into_iter().enumerate() {
            values[i * step + row] = value;
        }
        first *= generator;
    }
    values
}

/// The polynomial with these coefficients at `1, root, root^2, ..`, where the order of `root` is the number of
/// coefficients.
fn transform(coefficients: &[Felt], root: Felt) -> Vec<Felt> {
    if coefficients.len() == 1 {
        return coefficients.to_vec();
    }
    let half = |parity: usize| {
        coefficients
            .iter()
            .skip(parity)
            .step_by(2)
            .copied()
            .collect::<Vec<_>>()
    };
    let even = transform(&half(0), root.square());
    let odd = transform(&half(1), root.square());
    let (mut low, mut high) = (
        Vec::with_capacity(coefficients.len()),
        Vec::with_capacity(even.len()),
    );
    let mut power = Felt::one();
    for (e, o) in even.into_iter().zip(odd) {
        let o = o * power;
        low.push(e + o);
        high.push(e - o);
        power *= root;
    }
    low.append(&mut high);
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::Coset;

    #[test]
    fn values_repeat_on_the_trace_and_the_polynomial_goes_through_them() {
        let values: Vec<Felt> = (0..8u64).map(|i| Felt::from(i * i + 3)).collect();
        let column = PeriodicColumn::new("p", 4, &values, 64).expect("fits");
        let trace = column.on_coset(Felt::one(), 64);
        assert_eq!(trace.len(), 32);
        for (i, value) in values.iter().enumerate() {
            assert_eq!(trace[4 * i], *value);
        }
        let shift = Felt::from(3u64);
        let coset = Coset { shift, log_len: 6 };
        let table = column.on_coset(shift, 64);
        for i in 0..64 {
            assert_eq!(table[i % 32], column.evaluate_at(coset.point(i), 64));
        }
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let values = vec![Felt::one(); 8];
        for (step, len) in [(16, 8), (3, 8), (1, 7), (1, 0), (0, 8)] {
            assert!(PeriodicColumn::new("p", step, &values[..len], 64).is_err());
        }
    }
}
