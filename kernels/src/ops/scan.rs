//! Prefix scans, which compute the interaction columns.

use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Ticket, check_range, check_shape};
use crate::felt::Felt;

/// The cells `offset, offset + step, ..` of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VirtualColumn {
    /// Column index, counted over the whole trace or over the given columns, depending on the use.
    pub column: usize,
    /// Distance between neighbouring cells; a power of two.
    pub step: usize,
    /// Row of the first cell; less than `step`.
    pub offset: usize,
}

impl VirtualColumn {
    /// Checks that the cells lie in the columns and are `step` rows apart.
    fn check<D: Device>(
        &self,
        name: &'static str,
        step: usize,
        columns: &Columns<D, Natural>,
    ) -> Result<(), DeviceError> {
        check_range(name, self.column, 1, columns.n_columns())?;
        check_shape(name, "step of a virtual column", step, self.step)?;
        check_range(name, self.offset, 1, step)?;
        check_range(name, 0, step, columns.n_rows())?;
        check_shape(name, "step, a power of two", step.next_power_of_two(), step)
    }
}

/// Two lists of tuples, one of which is a permutation of the other.
#[derive(Clone, Debug)]
pub struct PermutationArgument {
    /// The tuple's parts in the original order. All have the same step.
    pub original: Vec<VirtualColumn>,
    /// The same parts, sorted.
    pub sorted: Vec<VirtualColumn>,
    /// The shift `z`.
    pub z: Felt,
    /// The weights of the parts: 1 for the first, then these.
    pub alphas: Vec<Felt>,
}

impl PermutationArgument {
    /// Checks the shapes that [`ScanOps::permutation_product`] requires. If it succeeds, the target's step divides the
    /// number of rows.
    ///
    /// # Errors
    /// [`DeviceError::Shape`].
    pub fn check<D: Device>(
        &self,
        columns: &Columns<D, Natural>,
        out: &Columns<D, Natural>,
        target: &VirtualColumn,
    ) -> Result<(), DeviceError> {
        const NAME: &str = "permutation_product";
        let n_parts = self.original.len();
        check_shape(NAME, "sorted parts", n_parts, self.sorted.len())?;
        check_shape(NAME, "weights plus one", n_parts, self.alphas.len() + 1)?;
        check_shape(NAME, "rows of out", columns.n_rows(), out.n_rows())?;
        target.check(NAME, target.step, out)?;
        let mut parts = self.original.iter().chain(&self.sorted);
        parts.try_for_each(|part| part.check(NAME, target.step, columns))
    }
}

/// A sorted column whose differences `u` are accumulated in one value. The value starts at 1 and goes from `r` to
/// `r (1 + z u) + alpha u^2`.
#[derive(Clone, Copy, Debug)]
pub struct CumulativeArgument {
    /// The sorted column.
    pub values: VirtualColumn,
    /// The interaction element `z`.
    pub z: Felt,
    /// The interaction element `alpha`.
    pub alpha: Felt,
}

impl CumulativeArgument {
    /// Checks the shapes that [`ScanOps::cumulative_value`] requires. If it succeeds, the target's step divides the
    /// number of rows.
    ///
    /// # Errors
    /// [`DeviceError::Shape`].
    pub fn check<D: Device>(
        &self,
        columns: &Columns<D, Natural>,
        out: &Columns<D, Natural>,
        target: &VirtualColumn,
    ) -> Result<(), DeviceError> {
        const NAME: &str = "cumulative_value";
        check_shape(NAME, "rows of out", columns.n_rows(), out.n_rows())?;
        target.check(NAME, target.step, out)?;
        self.values.check(NAME, target.step, columns)
    }
}

/// Scan operations.
pub trait ScanOps: Device {
    /// Writes the running product of `(z - original[i]) / (z - sorted[i])` to `target` of `out`, where a tuple stands
    /// for `part0 + sum alphas[k] part(k+1)`. The target has the same step and number of cells; the product up to and
    /// including `i` goes to cell `i`. Other cells of `out` are unchanged. The argument's column indices refer to
    /// `columns`.
    fn permutation_product(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &PermutationArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError>;

    /// Writes the cumulative value up to and including `values[i]` to cell `i` of `target` of `out` (same step, same
    /// number of cells; cell 0 is 1). Other cells of `out` are unchanged. The argument's column indices refer to
    /// `columns`.
    fn cumulative_value(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &CumulativeArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError>;
}
