//! Folding: the FRI step, and the split of the composition polynomial.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Ticket, check_range, check_shape};
use crate::felt::Felt;

/// Folding of evaluations at `x` and `-x`, which in natural order are half a column apart.
pub trait FoldOps: Device {
    /// One FRI fold. Column `c` of `layer` holds evaluations on the coset `shifts[c] * <g>`; column `c` of the
    /// result, half as long, holds `(f(x) + f(-x)) + point * (f(x) - f(-x)) / x` on `shifts[c]^2 * <g^2>`.
    /// As in Stone, there is no factor 1/2.
    fn fold(
        &self,
        layer: &Columns<Self, Natural>,
        shifts: &[Felt],
        point: Felt,
    ) -> Result<Columns<Self, Natural>, DeviceError>;

    /// Splits `h(x) = h0(x^2) + x h1(x^2)`, given by one column on the coset `shift * <g>` of `n` points, into
    /// `n/2` evaluations of `h0` and of `h1` on `shift^2 * <g^2>`; they become the rows
    /// `phase, phase + 2, ..` of columns 0 and 1 of `out`, which has `n` rows.
    fn split_even_odd(
        &self,
        column: &Columns<Self, Natural>,
        shift: Felt,
        phase: usize,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError>;
}

/// Half the length of the columns, or an error if they cannot be halved. For device implementations.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn half_len<D: Device>(
    operation: &'static str,
    columns: &Columns<D, Natural>,
) -> Result<usize, DeviceError> {
    match columns.n_rows() / 2 {
        0 => Err(DeviceError::Shape {
            operation,
            what: "rows, at least",
            expected: 2,
            got: 1,
        }),
        half => Ok(half),
    }
}

/// Checks the shapes of [`FoldOps::split_even_odd`] and returns half the length of the column. For device
/// implementations.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn check_split<D: Device>(
    column: &Columns<D, Natural>,
    phase: usize,
    out: &Columns<D, Natural>,
) -> Result<usize, DeviceError> {
    let operation = "split_even_odd";
    check_shape(operation, "columns", 1, column.n_columns())?;
    check_shape(operation, "columns of out", 2, out.n_columns())?;
    check_shape(operation, "rows of out", column.n_rows(), out.n_rows())?;
    check_range(operation, phase, 1, 2)?;
    half_len(operation, column)
}
