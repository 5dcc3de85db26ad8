//! Evaluation of a register program on every row of a coset: the composition polynomial.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceBuffer, DeviceError, Ticket, check_range, check_shape};
use crate::felt::Felt;
use crate::program::Program;

/// Constraint composition.
pub trait ComposeOps: Device {
    /// A program in the device's own form.
    type Loaded: Send + Sync;

    /// Prepares a program. The result can be used for any number of cosets.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if an operand or a target lies outside what the program declares.
    fn load(&self, program: &Program) -> Result<Self::Loaded, DeviceError>;

    /// Runs the program on every row. `tables` are the columns on one coset, all of `2^log_len` rows; together they
    /// have `program.n_columns` columns. `periodic` has `program.n_periodic` tables; the length of each is a power of
    /// two, at most the number of rows. `out` has one column.
    fn compose(
        &self,
        program: &Self::Loaded,
        tables: &[&Columns<Self, Natural>],
        periodic: &[Self::Buffer<Felt>],
        scalars: &[Felt],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError>;

    /// The table `1 / (shift * g^i - 1)` for every row of the coset: with it, `1 / (x - g^k)` at row `i` is
    /// `g^-k` times entry `i - k`. No point of the coset may be 1.
    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<Self::Buffer<Felt>, DeviceError>;

    /// The table of the points `shift * g^i` themselves.
    fn point_table(&self, shift: Felt, log_len: u32) -> Result<Self::Buffer<Felt>, DeviceError>;
}

/// Checks the shapes of [`ComposeOps::compose`] against the numbers of columns, periodic tables and scalars that the
/// program declares.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn check_compose<D: Device>(
    [n_columns, n_periodic, n_scalars]: [usize; 3],
    tables: &[&Columns<D, Natural>],
    periodic: &[D::Buffer<Felt>],
    scalars: &[Felt],
    out: &Columns<D, Natural>,
) -> Result<(), DeviceError> {
    let n_there = tables.iter().map(|table| table.n_columns()).sum();
    check_shape("compose", "columns", n_columns, n_there)?;
    check_shape("compose", "periodic tables", n_periodic, periodic.len())?;
    check_shape("compose", "scalars", n_scalars, scalars.len())?;
    check_shape("compose", "columns of out", 1, out.n_columns())?;
    for table in tables {
        check_shape("compose", "rows of a table", out.n_rows(), table.n_rows())?;
    }
    for table in periodic {
        let power = table.len().next_power_of_two();
        check_shape(
            "compose",
            "length of a periodic table, a power of two",
            power,
            table.len(),
        )?;
        check_range("compose", 0, table.len(), out.n_rows())?;
    }
    Ok(())
}
