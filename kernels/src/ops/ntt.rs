//! Interpolation and evaluation of polynomials on cosets.

use crate::columns::{BitReversed, Columns, Natural};
use crate::device::{Device, DeviceError, Pending, Tag, Ticket, check_range, check_shape};
use crate::felt::Felt;

/// The result of [`NttOps::upload_and_interpolate`]: the coefficients, and the kept columns.
pub type Interpolated<D> = (Columns<D, BitReversed>, Columns<D, Natural>);

/// Number-theoretic transforms. There is never a separate permutation pass. Shifts must not be 0.
pub trait NttOps: Device {
    /// Interpolates each column in place: from evaluations on the coset `shift * <g>` (natural order, `g` of order
    /// `2^log_len`) to coefficients (bit-reversed order).
    fn interpolate(
        &self,
        columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError>;

    /// Uploads columns and interpolates them as [`NttOps::interpolate`] does. Also returns the columns `kept`, in that
    /// order and as uploaded. A device that can overlap both uploads a column while it interpolates the one before.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`], or [`DeviceError::Shape`] if columns have different lengths or an index in `kept`
    /// is out of range.
    fn upload_and_interpolate(
        &self,
        columns: &HostColumns<'_>,
        shift: Felt,
        kept: &[usize],
        kept_tag: Tag,
    ) -> Result<Interpolated<Self>, DeviceError> {
        columns.check(kept)?;
        let &HostColumns { values, log_len, tag } = columns;
        let columns = Columns::upload(self, values, log_len, tag)?;
        let mut as_they_came = Columns::zeros(self, kept.len(), log_len, kept_tag)?;
        for (to, from) in kept.iter().enumerate() {
            let from = from << log_len..(from + 1) << log_len;
            self.copy(columns.values(), from, as_they_came.values_mut(), to << log_len)?
                .detach();
        }
        Ok((self.interpolate(columns, shift)?, as_they_came))
    }

    /// Evaluates each column's polynomial on the coset `shift * <g>` of the same length: from coefficients in
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

/// Columns in host memory, to be uploaded to a device.
#[derive(Clone, Copy, Debug)]
pub struct HostColumns<'a> {
    /// The columns, of `2^log_len` elements each.
    pub values: &'a [Vec<Felt>],
    /// Logarithm of their length.
    pub log_len: u32,
    /// Tag of the columns' device memory.
    pub tag: Tag,
}

impl HostColumns<'_> {
    /// Checks the columns' lengths, and that the indices in `kept` are in range.
    ///
    /// # Errors
    /// [`DeviceError::Shape`].
    pub(crate) fn check(&self, kept: &[usize]) -> Result<(), DeviceError> {
        let operation = "upload_and_interpolate";
        for column in self.values {
            check_shape(operation, "rows", 1 << self.log_len, column.len())?;
        }
        for &index in kept {
            check_range(operation, index, 1, self.values.len())?;
        }
        Ok(())
    }
}
