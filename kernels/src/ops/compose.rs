//! Evaluation of a register program on every row of a coset: the composition polynomial.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceBuffer, DeviceError, Ticket, check_range, check_shape};
use crate::felt::Felt;
use crate::program::{InputCounts, Operand, Program};

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

/// Checks that operands and targets lie within what the program declares: all that [`ComposeOps::load`] must refuse.
/// For device implementations.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn check_program(program: &Program) -> Result<(), DeviceError> {
    let operands = program.instructions.iter().flat_map(|i| [i.a, i.b]);
    for operand in operands.chain([program.result]) {
        let (index, len) = match operand {
            Operand::Register(register) => (usize::from(register), program.n_registers),
            Operand::Scalar(scalar) => (scalar as usize, program.n_scalars),
            Operand::Cell { source, .. } => (usize::from(source), program.n_columns + program.n_periodic),
        };
        check_range("load", index, 1, len)?;
    }
    for instruction in &program.instructions {
        check_range("load", usize::from(instruction.target), 1, program.n_registers)?;
    }
    Ok(())
}

/// Checks the shapes of [`ComposeOps::compose`] against what the program declares. For device implementations.
///
/// # Errors
/// [`DeviceError::Shape`].
pub fn check_compose<D: Device>(
    declared: InputCounts,
    tables: &[&Columns<D, Natural>],
    periodic: &[D::Buffer<Felt>],
    scalars: &[Felt],
    out: &Columns<D, Natural>,
) -> Result<(), DeviceError> {
    let n_there = tables.iter().map(|table| table.n_columns()).sum();
    check_shape("compose", "columns", declared.n_columns, n_there)?;
    check_shape("compose", "periodic tables", declared.n_periodic, periodic.len())?;
    check_shape("compose", "scalars", declared.n_scalars, scalars.len())?;
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
