//! A pool of cells whose values must lie in a table: the 16-bit numbers between two bounds, as they are or diluted.

use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use crate::cairo::trace::{row, whole_cell};
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// All units of a pool.
pub(crate) struct TablePool {
    /// Where the units lie.
    pub cell: VirtualColumn,
    /// Which number of the table they hold; units that no component uses list the numbers that no check names.
    pub units: Vec<Option<u16>>,
}

/// The table has numbers that no check names, and too few free units for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holes {
    /// How many.
    pub holes: u64,
    /// How many units are free.
    pub spare: u64,
}

impl TablePool {
    /// An empty pool in the virtual column of that name.
    pub fn new(layout: &Layout, name: &str, n_rows: usize) -> Result<Self, InputError> {
        let cell = whole_cell(layout, name)?;
        Ok(Self {
            cell,
            units: vec![None; n_rows / cell.step],
        })
    }

    /// Fills the gaps and writes the sorted numbers. All numbers in the pool are between `min` and `max`.
    ///
    /// The numbers between the bounds that no check names go to the free units in order; units that are still free
    /// repeat the upper bound.
    pub fn finish(
        &mut self,
        columns: &mut [Vec<Felt>],
        sorted: VirtualColumn,
        [min, max]: [u16; 2],
        encode: impl Fn(u16) -> Felt,
    ) -> Result<(), Holes> {
        let mut counts = vec![0usize; usize::from(max - min) + 1];
        for value in self.units.iter().flatten() {
            counts[usize::from(value - min)] += 1;
        }
        let holes: Vec<u16> = (min..=max)
            .filter(|value| counts[usize::from(value - min)] == 0)
            .collect();
        let free = || self.units.iter().filter(|unit| unit.is_none());
        let spare = free().count();
        if holes.len() > spare {
            return Err(Holes {
                holes: holes.len() as u64,
                spare: spare as u64,
            });
        }
        let mut fillers = holes.into_iter();
        for (i, unit) in self.units.iter_mut().enumerate() {
            if unit.is_none() {
                let value = fillers.next().unwrap_or(max);
                counts[usize::from(value - min)] += 1;
                columns[self.cell.column][row(self.cell, i)] = encode(value);
                *unit = Some(value);
            }
        }
        let mut index = 0;
        for (value, count) in (min..=max).zip(counts) {
            let element = encode(value);
            for i in index..index + count {
                columns[sorted.column][row(sorted, i)] = element;
            }
            index += count;
        }
        Ok(())
    }
}
