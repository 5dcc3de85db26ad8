//! Pools of cells whose values must lie in a table: the 16-bit numbers between two bounds, either plain or diluted.

use crate::cairo::canvas::{Pool, row};
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// The error for a table with more unused numbers than free units to list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holes {
    /// The number of unused numbers.
    pub holes: u64,
    /// The number of free units.
    pub spare: u64,
}

/// Fills the free units and writes the sorted numbers. All numbers in the pool must be between `min` and `max`.
///
/// Free units receive the unused numbers between the bounds in ascending order. Units that are still free repeat the
/// upper bound.
pub(super) fn finish_pool(
    pool: &mut Pool<u16>,
    columns: &mut [Vec<Felt>],
    sorted: VirtualColumn,
    [min, max]: [u16; 2],
    encode: impl Fn(u16) -> Felt,
) -> Result<(), Holes> {
    let mut counts = vec![0usize; usize::from(max - min) + 1];
    for value in pool.units.iter().flatten() {
        counts[usize::from(value - min)] += 1;
    }
    let holes: Vec<u16> = (min..=max)
        .filter(|value| counts[usize::from(value - min)] == 0)
        .collect();
    let free = || pool.units.iter().filter(|unit| unit.is_none());
    let spare = free().count();
    if holes.len() > spare {
        return Err(Holes {
            holes: holes.len() as u64,
            spare: spare as u64,
        });
    }
    let mut fillers = holes.into_iter();
    for (i, unit) in pool.units.iter_mut().enumerate() {
        if unit.is_none() {
            let value = fillers.next().unwrap_or(max);
            counts[usize::from(value - min)] += 1;
            columns[pool.cell.column][row(pool.cell, i)] = encode(value);
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
