//! Consecutive rows of the canvas, on which a component writes.

use super::cells::{MemoryCell, row};
use super::pool::{Access, Units};
use crate::cairo::diluted::dilute;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;
use std::sync::atomic::{AtomicBool, Ordering};

/// Consecutive rows of the trace. Indices of cells are relative to the strip's first row.
pub(crate) struct Strip<'a> {
    pub(super) columns: Vec<&'a mut [Felt]>,
    pub(super) memory: Units<'a, Access>,
    pub(super) range_checks: Units<'a, u16>,
    pub(super) diluted: Option<Units<'a, u16>>,
    pub(super) is_misplaced: &'a AtomicBool,
}

impl<'a> Strip<'a> {
    /// Cuts the rows into strips of `height` rows. The number of rows must be a multiple of it.
    pub(super) fn cut(self, height: usize) -> Vec<Strip<'a>> {
        let n_rows = self.columns.first().map_or(0, |column| column.len());
        let is_misplaced = self.is_misplaced;
        let mut columns: Vec<_> = self.columns.into_iter().map(|c| c.chunks_mut(height)).collect();
        let mut memory = self.memory.strips(height);
        let mut range_checks = self.range_checks.strips(height);
        let mut diluted = self.diluted.map(|units| units.strips(height));
        let strip = |_| Strip {
            columns: columns.iter_mut().filter_map(Iterator::next).collect(),
            memory: memory(),
            range_checks: range_checks(),
            diluted: diluted.as_mut().map(|next| next()),
            is_misplaced,
        };
        (0..n_rows / height).map(strip).collect()
    }

    /// Writes a cell of a virtual column.
    pub fn set(&mut self, cell: VirtualColumn, index: usize, value: Felt) {
        let column = self.columns.get_mut(cell.column);
        match column.and_then(|column| column.get_mut(row(cell, index))) {
            Some(place) => *place = value,
            None => self.expect(false),
        }
    }

    fn expect(&self, is_placed: bool) {
        if !is_placed {
            self.is_misplaced.store(true, Ordering::Relaxed);
        }
    }

    /// Writes the cells of a memory access and adds it to the pool.
    pub fn access(&mut self, cell: MemoryCell, index: usize, address: u64, value: Felt) {
        self.set(cell.address, index, Felt::from(address));
        self.set(cell.value, index, value);
        self.public_access(cell, index, address, value);
    }

    /// Adds a memory access to the pool's list without writing its cells. The cells of public memory stay zero.
    pub fn public_access(&mut self, cell: MemoryCell, index: usize, address: u64, value: Felt) {
        let is_placed = self.memory.set(cell.address, index, Access { address, value });
        self.expect(is_placed);
    }

    /// Writes a 16-bit value and adds it to the range-check pool.
    pub fn range_check(&mut self, cell: VirtualColumn, index: usize, value: u16) {
        self.set(cell, index, Felt::from(value));
        let is_placed = self.range_checks.set(cell, index, value);
        self.expect(is_placed);
    }

    /// Writes a number in diluted form and adds it to the pool.
    pub fn diluted(&mut self, cell: VirtualColumn, index: usize, number: u16) {
        self.set(cell, index, dilute(number));
        let is_placed = match &mut self.diluted {
            Some(units) => units.set(cell, index, number),
            None => false,
        };
        self.expect(is_placed);
    }
}
