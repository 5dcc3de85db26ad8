//! Evaluation of a register program on every row of a coset: the composition polynomial.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Ticket};
use crate::felt::Felt;
use crate::program::Program;

/// Constraint composition.
pub trait ComposeOps: Device {
    /// A program as the device keeps it.
    type Loaded: Send + Sync;

    /// Prepares a program; the handle serves any number of cosets.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if an operand or a target lies beyond what the program declares.
    fn load(&self, program: &Program) -> Result<Self::Loaded, DeviceError>;

    /// Runs the program on every row. `tables` are the columns on one coset, all of `2^log_len` rows; their
    /// concatenation has `program.n_columns` columns. `periodic` has `program.n_periodic` tables, each of a
    /// power of two elements, at most the rows. `out` has one column.
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
