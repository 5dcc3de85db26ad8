//! Domains: the rows on which a constraint must hold.

use super::AirError;
use ark_ff::Field;
use quarry_kernels::{Felt, felt};

/// The rows `offset, offset + step, ..` of a trace. With `g` the trace's generator and `n` its length, their
/// points are the roots of `x^(n/step) - g^(offset n/step)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rows {
    /// Distance between neighbouring rows: a power of two, at most the trace's length.
    pub step: usize,
    /// The first row; less than `step`.
    pub offset: usize,
}

/// The rows `0, step, 2 step, ..`.
pub const fn every(step: usize) -> Rows {
    Rows { step, offset: 0 }
}

impl Rows {
    /// The rows with the same step that begin at `offset`.
    pub const fn at(self, offset: usize) -> Self {
        Rows { offset, ..self }
    }

    /// These rows without those of `rows`.
    pub fn except(self, rows: Rows) -> Domain {
        Domain {
            rows: vec![self],
            except: vec![rows],
        }
    }

    /// Whether `row` is one of these rows.
    pub fn contains(self, row: usize) -> bool {
        row & (self.step - 1) == self.offset
    }

    /// `x^(n/step) - g^(offset n/step)`, for a trace of `n = trace_length` rows.
    pub fn vanishing_at(self, x: Felt, trace_length: usize) -> Felt {
        x.pow([(trace_length / self.step) as u64]) - self.root_power()
    }

    /// `g^(offset n/step)`: the `offset`-th power of a generator of the subgroup of order `step`.
    pub fn root_power(self) -> Felt {
        felt::subgroup_generator(self.step.ilog2()).pow([self.offset as u64])
    }
}

/// The rows in any of `rows`, without those in any of `except`. The composition polynomial divides a constraint by the
/// product of the vanishing polynomials of `rows` and multiplies it by those of `except`. The `rows` have no row in
/// common, and each of `except` is a part of `rows`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain {
    /// Where the constraint holds.
    pub rows: Vec<Rows>,
    /// Exceptions.
    pub except: Vec<Rows>,
}

impl From<Rows> for Domain {
    fn from(rows: Rows) -> Self {
        Domain {
            rows: vec![rows],
            except: Vec::new(),
        }
    }
}

impl Domain {
    /// These rows without those of `rows`.
    pub fn except(mut self, rows: Rows) -> Self {
        self.except.push(rows);
        self
    }

    /// Whether `row` is in the domain.
    pub fn contains(&self, row: usize) -> bool {
        let any = |list: &[Rows]| list.iter().any(|rows| rows.contains(row));
        any(&self.rows) && !any(&self.except)
    }

    /// Checks that the domain fits a trace of `trace_length` rows.
    pub(super) fn check(&self, name: &str, trace_length: usize) -> Result<(), AirError> {
        let fits =
            |rows: &Rows| rows.step.is_power_of_two() && rows.step <= trace_length && rows.offset < rows.step;
        match self.rows.iter().chain(&self.except).find(|rows| !fits(rows)) {
            None => Ok(()),
            Some(&Rows { step, offset }) => Err(AirError::Domain {
                name: name.to_owned(),
                step,
                offset,
                trace_length,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Zero;

    #[test]
    fn vanishing_polynomials_have_exactly_their_rows_as_roots() {
        let n = 64usize;
        let g = felt::subgroup_generator(6);
        for rows in [
            every(1),
            every(16),
            every(16).at(15),
            every(n),
            every(n).at(n - 16),
            every(8).at(3),
        ] {
            for row in 0..n {
                let x = g.pow([row as u64]);
                assert_eq!(
                    rows.vanishing_at(x, n).is_zero(),
                    rows.contains(row),
                    "{rows:?} at {row}"
                );
            }
        }
    }

    #[test]
    fn exceptions_are_left_out() {
        let domain = every(4).except(every(16).at(12)).except(every(64));
        let rows: Vec<_> = (0..32).filter(|&row| domain.contains(row)).collect();
        assert_eq!(rows, [4, 8, 16, 20, 24]);
    }

    #[test]
    fn domains_that_do_not_fit_are_refused() {
        for rows in [every(128), every(3), every(8).at(8), every(0)] {
            assert!(Domain::from(rows).check("c", 64).is_err());
            assert!(every(1).except(rows).check("c", 64).is_err());
        }
        assert!(every(64).at(63).except(every(64).at(1)).check("c", 64).is_ok());
    }
}
