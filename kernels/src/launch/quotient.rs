//! The terms of the DEEP quotient, grouped by denominator.

use crate::device::{DeviceError, check_range};
use crate::felt::Felt;
use crate::ops::{Pole, QuotientTerm};
use ark_ff::Field;

/// The terms with one denominator: `(sum coefficient * column - constant) / (x - z g^offset)`. The coefficients, and
/// therefore the constant, include the factor `g^-offset`, so that the inverse of the denominator is entry
/// `row - offset` of the inverses of `x - z`.
pub(crate) struct Fraction {
    pub(crate) offset: usize,
    pub(crate) constant: Felt,
    /// Pairs of coefficient and column index.
    pub(crate) terms: Vec<(Felt, usize)>,
}

/// Groups the pole's terms by offset, for columns of `n_rows` rows.
pub(crate) fn fractions(
    pole: &Pole,
    n_columns: usize,
    n_rows: usize,
    g_inverse: Felt,
) -> Result<Vec<Fraction>, DeviceError> {
    for term in &pole.terms {
        check_range("deep_quotient", term.column, 1, n_columns)?;
    }
    let offset = |term: &QuotientTerm| term.offset & (n_rows - 1);
    let mut sorted: Vec<&QuotientTerm> = pole.terms.iter().collect();
    sorted.sort_by_key(|term| offset(term));
    let groups = sorted.chunk_by(|a, b| offset(a) == offset(b));
    let fraction = |group: &[&QuotientTerm]| {
        let offset = offset(group[0]);
        let weight = g_inverse.pow([offset as u64]);
        let terms: Vec<_> = group
            .iter()
            .map(|term| (term.coefficient * weight, term.column))
            .collect();
        let values = group.iter().zip(&terms);
        Fraction {
            offset,
            constant: values
                .map(|(term, (coefficient, _))| *coefficient * term.value)
                .sum(),
            terms,
        }
    };
    Ok(groups.map(fraction).collect())
}
