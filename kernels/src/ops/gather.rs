//! Reading of chosen rows and nodes: what a proof opens.

use crate::columns::TableView;
use crate::device::{Device, DeviceError, Element, Pending};
use crate::felt::Felt;

/// Gathering.
pub trait GatherOps: Device {
    /// The rows `rows` of `table` (committed order: row `r` is the natural row `bit_reverse(r)`), one after the
    /// other, each in column order.
    fn gather_rows(
        &self,
        table: &TableView<'_, Self>,
        rows: &[usize],
    ) -> Result<Pending<Vec<Felt>>, DeviceError>;

    /// Elements `indices` of a buffer.
    fn gather<T: Element>(
        &self,
        from: &Self::Buffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError>;
}
