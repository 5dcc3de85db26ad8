//! Places of cells on the canvas.

use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use quarry_kernels::ops::VirtualColumn;

/// Returns the virtual column with this name. Virtual columns that the parameters of `dynamic` disable have step 0 and
/// count as missing.
pub(crate) fn cell(layout: &Layout, name: &str) -> Result<VirtualColumn, InputError> {
    let cell = layout.cell(name).filter(|cell| cell.step > 0);
    cell.ok_or_else(|| InputError::NoSuchCell {
        layout: layout.name,
        cell: name.to_owned(),
    })
}

/// Returns the virtual column with this name, which must lie in the first trace and have a cell in each group of `step`
/// rows.
pub(crate) fn whole_cell(layout: &Layout, name: &str) -> Result<VirtualColumn, InputError> {
    let cell = cell(layout, name)?;
    match cell.column < layout.n_columns[0] && cell.offset < cell.step {
        true => Ok(cell),
        false => Err(InputError::Misplaced { layout: layout.name }),
    }
}

/// The row of the `index`-th cell of a virtual column.
pub(crate) fn row(cell: VirtualColumn, index: usize) -> usize {
    cell.offset + index * cell.step
}

/// The two virtual columns of a memory access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryCell {
    /// The address.
    pub address: VirtualColumn,
    /// The value.
    pub value: VirtualColumn,
}

impl MemoryCell {
    /// Finds the access with this name.
    pub fn new(layout: &Layout, name: &str) -> Result<Self, InputError> {
        Ok(Self {
            address: cell(layout, &format!("{name}/addr"))?,
            value: cell(layout, &format!("{name}/value"))?,
        })
    }

    /// Finds the accesses with this name, which must be one in each group of `step` rows of the first trace.
    pub fn whole(layout: &Layout, name: &str) -> Result<Self, InputError> {
        Ok(Self {
            address: whole_cell(layout, &format!("{name}/addr"))?,
            value: whole_cell(layout, &format!("{name}/value"))?,
        })
    }
}
