//! Reading selected rows and nodes: the openings of a proof.

use crate::columns::TableView;
use crate::device::{Device, DeviceBuffer, DeviceError, Element, Pending, check_range};
use crate::domain::bit_reverse;
use crate::felt::Felt;

/// Gather operations.
pub trait GatherOps: Device {
    /// Reads the rows `rows` of `table`, one after the other, each in column order. Rows are numbered in committed
    /// order: row `r` is the natural row `bit_reverse(r)`.
    fn gather_rows(
        &self,
        table: &TableView<'_, Self>,
        rows: &[usize],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        for start in &table.starts {
            check_range("gather_rows", *start, table.n_rows(), table.values.len())?;
        }
        let mut indices = Vec::with_capacity(rows.len() * table.n_columns());
        for row in rows {
            check_range("gather_rows", *row, 1, table.n_rows())?;
            let natural = bit_reverse(*row, table.log_rows);
            indices.extend(table.starts.iter().map(|start| start + natural));
        }
        self.gather(table.values, &indices)
    }

    /// Reads the elements `indices` of a buffer.
    fn gather<T: Element>(
        &self,
        from: &Self::Buffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError>;
}
