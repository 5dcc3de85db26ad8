//! Pools of units that all components share.

use super::cells::row;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// One memory access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The address.
    pub address: u64,
    /// The value at the address.
    pub value: Felt,
}

/// All units of a pool: memory accesses, or numbers that must lie in a table.
pub(crate) struct Pool<T> {
    /// The virtual column of the units; of memory accesses, that of the addresses.
    pub cell: VirtualColumn,
    /// The content of each unit; `None` in units that no component has used so far.
    pub units: Vec<Option<T>>,
}

impl<T: Copy> Pool<T> {
    /// Makes an empty pool.
    pub fn new(cell: VirtualColumn, n_rows: usize) -> Self {
        Self {
            cell,
            units: vec![None; n_rows / cell.step],
        }
    }

    /// All units, to be written.
    pub(super) fn units(&mut self) -> Units<'_, T> {
        Units {
            cell: self.cell,
            units: &mut self.units,
        }
    }
}

/// The units of a pool in a range of rows.
pub(super) struct Units<'a, T> {
    cell: VirtualColumn,
    units: &'a mut [Option<T>],
}

impl<'a, T> Units<'a, T> {
    /// Splits the units into strips of `height` rows. If `height` is less than the distance of two units, the strips
    /// have no units: no component of that height uses the pool.
    pub(super) fn strips(self, height: usize) -> impl FnMut() -> Units<'a, T> {
        let cell = self.cell;
        let mut strips = (height >= cell.step).then(|| self.units.chunks_mut(height / cell.step));
        move || Units {
            cell,
            units: strips.as_mut().and_then(Iterator::next).unwrap_or_default(),
        }
    }

    /// Fills a unit. Returns whether it existed and was free.
    pub(super) fn set(&mut self, cell: VirtualColumn, index: usize, value: T) -> bool {
        let unit = row(cell, index).checked_sub(self.cell.offset);
        let unit = unit.and_then(|row| self.units.get_mut(row / self.cell.step));
        let is_free = unit.as_ref().is_some_and(|unit| unit.is_none());
        if let Some(unit) = unit {
            *unit = Some(value);
        }
        is_free
    }
}
