//! The DEEP quotient on one coset.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Ticket};
use crate::felt::Felt;

/// One opened value: `coefficient * (column(x) - value) / (x - point * g^offset)`.
#[derive(Clone, Copy, Debug)]
pub struct QuotientTerm {
    /// Column index, counted over all tables.
    pub column: usize,
    /// Row offset of the mask cell, modulo the number of rows.
    pub offset: usize,
    /// The claimed value of the column's polynomial at that point.
    pub value: Felt,
    /// The random coefficient.
    pub coefficient: Felt,
}

/// All terms with one out-of-domain point.
#[derive(Clone, Debug)]
pub struct Pole {
    /// The out-of-domain point.
    pub point: Felt,
    /// Its terms, in any order.
    pub terms: Vec<QuotientTerm>,
}

/// DEEP quotient.
pub trait QuotientOps: Device {
    /// Computes the sum of all terms of all poles on every row `x = shift * g^i`. With `x_i = shift * g^i`,
    /// `1 / (x_i - z g^o) = g^-o / (x_(i-o) - z)`, so one batch inversion per pole is enough for all its offsets. `out`
    /// has one column. No `z g^o` may lie on the coset.
    fn deep_quotient(
        &self,
        tables: &[&Columns<Self, Natural>],
        shift: Felt,
        poles: &[Pole],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError>;
}
