//! Interpolation and evaluation of polynomials on cosets.

use crate::columns::{BitReversed, Columns, Natural};
use crate::device::{Device, DeviceError, Pending, Ticket};
use crate::felt::Felt;

/// Number-theoretic transforms. There is never a separate permutation pass. Shifts are not 0.
pub trait NttOps: Device {
    /// From the evaluations of each column on the coset `shift * <g>` (natural order, `g` of order
    /// `2^log_len`) to its coefficients (bit-reversed order), in place.
    fn interpolate(
        &self,
        columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError>;

    /// Evaluates each column's polynomial on the coset `shift * <g>` of the same length: coefficients in
    /// bit-reversed order to evaluations in natural order. `out` has the shape of `coefficients`.
    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError>;

    /// Evaluates polynomials at single points: `at[k] = (column, x)` gives value `k`.
    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError>;
}
