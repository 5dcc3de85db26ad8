//! Trace cells of `memory`: the pool of memory accesses, the filling of its gaps, and the sorted accesses.

use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::trace::{Witness, cell, row, whole_cell};
use ark_ff::Zero;
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
    fn whole(layout: &Layout, name: &str) -> Result<Self, InputError> {
        Ok(Self {
            address: whole_cell(layout, &format!("{name}/addr"))?,
            value: whole_cell(layout, &format!("{name}/value"))?,
        })
    }
}

/// All memory units of the trace.
pub(crate) struct MemoryPool {
    /// The virtual columns of the units.
    pub cell: MemoryCell,
    /// The access in each unit; `None` in units that no component uses. [`Self::finish`] fills these with unused
    /// addresses.
    pub units: Vec<Option<Access>>,
}

impl MemoryPool {
    /// Makes an empty pool.
    pub fn new(layout: &Layout, n_rows: usize) -> Result<Self, InputError> {
        let cell = MemoryCell::whole(layout, "mem_pool")?;
        Ok(Self {
            cell,
            units: vec![None; n_rows / cell.address.step],
        })
    }

    /// Fills the free units and writes the sorted accesses.
    ///
    /// Free units receive the unused addresses between the lowest and the highest address in use, in ascending order
    /// and with value 0. Units that are still free receive the address after the highest, also with value 0.
    pub fn finish(&mut self, columns: &mut [Vec<Felt>], layout: &Layout) -> Result<(), InputError> {
        let used = || self.units.iter().flatten().map(|access| access.address);
        let (Some(first), Some(last)) = (used().min(), used().max()) else {
            return Err(InputError::NoPublicMemory);
        };
        if first != 1 {
            return Err(InputError::MemoryStart { first });
        }
        if last - first >= self.units.len() as u64 {
            return Err(self.too_many_holes(first, last));
        }

        // One entry per address, and one for the address after the last.
        let mut cells: Vec<(Option<Felt>, usize)> = vec![(None, 0); (last - first) as usize + 2];
        for access in self.units.iter().flatten() {
            let (value, count) = &mut cells[(access.address - first) as usize];
            let known = *value.get_or_insert(access.value);
            if known != access.value {
                return Err(InputError::MemoryContradiction {
                    address: access.address,
                    first: known,
                    second: access.value,
                });
            }
            *count += 1;
        }

        let mut holes = first..=last;
        for (i, unit) in self
            .units
            .iter_mut()
            .enumerate()
            .filter(|(_, unit)| unit.is_none())
        {
            let address = holes
                .find(|address| cells[(address - first) as usize].0.is_none())
                .unwrap_or(last + 1);
            cells[(address - first) as usize].1 += 1;
            columns[self.cell.address.column][row(self.cell.address, i)] = Felt::from(address);
            *unit = Some(Access {
                address,
                value: Felt::zero(),
            });
        }
        if holes.any(|address| cells[(address - first) as usize].0.is_none()) {
            return Err(self.too_many_holes(first, last));
        }

        let sorted = MemoryCell::whole(layout, "memory/sorted")?;
        let mut index = 0;
        for (address, (value, count)) in (first..).zip(cells) {
            let (address, value) = (Felt::from(address), value.unwrap_or_default());
            for i in index..index + count {
                columns[sorted.address.column][row(sorted.address, i)] = address;
                columns[sorted.value.column][row(sorted.value, i)] = value;
            }
            index += count;
        }
        Ok(())
    }

    fn too_many_holes(&self, first: u64, last: u64) -> InputError {
        let mut used: Vec<u64> = self.units.iter().flatten().map(|access| access.address).collect();
        let spare = (self.units.len() - used.len()) as u64;
        used.sort_unstable();
        used.dedup();
        InputError::MemoryHoles {
            first,
            last,
            holes: last - first - (used.len() as u64 - 1),
            spare,
        }
    }
}

/// Lists the public memory in its units of the pool. Units beyond its size repeat its first cell.
pub(crate) fn write_public_memory(
    witness: &mut Witness,
    layout: &Layout,
    input: &ProverInput,
) -> Result<(), InputError> {
    let cells = &input.public.public_memory;
    let cell = MemoryCell::new(layout, "orig/public_memory")?;
    let room = witness.n_rows() / cell.address.step;
    let Some(padding) = cells.first() else {
        return Err(InputError::NoPublicMemory);
    };
    for public in cells {
        match input.memory.get(public.address) {
            Some(memory) if memory != public.value => {
                return Err(InputError::PublicMemoryContradiction {
                    address: public.address,
                    public: public.value,
                    memory,
                });
            }
            _ => {}
        }
    }
    let mut rows = witness.rows();
    for (i, public) in cells
        .iter()
        .chain(std::iter::repeat(padding))
        .take(room)
        .enumerate()
    {
        rows.public_access(cell, i, public.address, public.value);
    }
    Ok(())
}
