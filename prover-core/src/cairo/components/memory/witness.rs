//! Trace cells of `memory`: the pool of memory accesses, its gaps, and the accesses sorted by address.

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
    /// Where.
    pub address: u64,
    /// What is there.
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
    /// The access of that name.
    pub fn new(layout: &Layout, name: &str) -> Result<Self, InputError> {
        Ok(Self {
            address: cell(layout, &format!("{name}/addr"))?,
            value: cell(layout, &format!("{name}/value"))?,
        })
    }

    /// The accesses of that name, one in every `step` rows.
    fn whole(layout: &Layout, name: &str) -> Result<Self, InputError> {
        Ok(Self {
            address: whole_cell(layout, &format!("{name}/addr"))?,
            value: whole_cell(layout, &format!("{name}/value"))?,
        })
    }
}

/// All memory units of the trace.
pub(crate) struct MemoryPool {
    /// Where the units lie.
    pub cell: MemoryCell,
    /// What they hold; units that no component uses list the addresses that no access names.
    pub units: Vec<Option<Access>>,
}

impl MemoryPool {
    /// An empty pool.
    pub fn new(layout: &Layout, n_rows: usize) -> Result<Self, InputError> {
        let cell = MemoryCell::whole(layout, "mem_pool")?;
        Ok(Self {
            cell,
            units: vec![None; n_rows / cell.address.step],
        })
    }

    /// Fills the gaps and writes the sorted accesses.
    ///
    /// The addresses from the lowest to the highest in use that no access names go to the free units in order, with
    /// value 0; units that are still free list the address after the highest, with value 0.
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

        // One entry an address, and one for the address after the last.
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

/// Lists the public memory; units beyond it repeat its first cell.
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
