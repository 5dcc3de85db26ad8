//! Reading of chosen rows and elements.

use super::{CpuBuffer, CpuDevice};
use crate::columns::TableView;
use crate::device::{DeviceError, Element, Pending, check_range};
use crate::domain::bit_reverse;
use crate::felt::Felt;
use crate::ops::GatherOps;

impl GatherOps for CpuDevice {
    fn gather_rows(
        &self,
        table: &TableView<'_, Self>,
        rows: &[usize],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        let values = table.values.as_slice();
        for start in &table.starts {
            check_range("gather_rows", *start, table.n_rows(), values.len())?;
        }
        let mut gathered = Vec::with_capacity(rows.len() * table.n_columns());
        for row in rows {
            check_range("gather_rows", *row, 1, table.n_rows())?;
            let natural = bit_reverse(*row, table.log_rows);
            gathered.extend(table.starts.iter().map(|start| values[start + natural]));
        }
        Ok(Pending::ready(gathered))
    }

    fn gather<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        let from = from.as_slice();
        let gathered = indices.iter().map(|index| {
            check_range("gather", *index, 1, from.len())?;
            Ok(from[*index])
        });
        Ok(Pending::ready(gathered.collect::<Result<_, DeviceError>>()?))
    }
}
