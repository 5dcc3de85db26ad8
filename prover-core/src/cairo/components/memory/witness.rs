//! Trace cells of `memory`: the pool of memory accesses, the filling of its gaps, and the sorted accesses.

use crate::cairo::canvas::{Access, Canvas, MemoryCell, row};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use ark_ff::Zero;
use quarry_kernels::Felt;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write_public_memory), (Stage::Memory, finish)];

/// Lists the public memory in its units of the pool. Units beyond its size repeat its first cell.
fn write_public_memory(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = &input.public.public_memory;
    let cell = MemoryCell::new(layout, "orig/public_memory")?;
    let room = canvas.n_rows() / cell.address.step;
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
    let mut rows = canvas.rows();
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

/// Fills the free units and writes the sorted accesses.
///
/// Free units receive the unused addresses between the lowest and the highest address in use, in ascending order and
/// with value 0. Units that are still free receive the address after the highest, also with value 0.
fn finish(canvas: &mut Canvas, layout: &Layout, _: &ProverInput) -> Result<(), InputError> {
    let Canvas { columns, memory, .. } = canvas;
    let used = || memory.units.iter().flatten().map(|access| access.address);
    let (Some(first), Some(last)) = (used().min(), used().max()) else {
        return Err(InputError::NoPublicMemory);
    };
    if first != 1 {
        return Err(InputError::MemoryStart { first });
    }
    if last - first >= memory.units.len() as u64 {
        return Err(too_many_holes(&memory.units, first, last));
    }

    // One entry per address, and one for the address after the last.
    let mut cells: Vec<(Option<Felt>, usize)> = vec![(None, 0); (last - first) as usize + 2];
    for access in memory.units.iter().flatten() {
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
    for (i, unit) in memory
        .units
        .iter_mut()
        .enumerate()
        .filter(|(_, unit)| unit.is_none())
    {
        let address = holes
            .find(|address| cells[(address - first) as usize].0.is_none())
            .unwrap_or(last + 1);
        cells[(address - first) as usize].1 += 1;
        columns[memory.cell.column][row(memory.cell, i)] = Felt::from(address);
        *unit = Some(Access {
            address,
            value: Felt::zero(),
        });
    }
    if holes.any(|address| cells[(address - first) as usize].0.is_none()) {
        return Err(too_many_holes(&memory.units, first, last));
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

/// The error for more unused addresses than free units.
fn too_many_holes(units: &[Option<Access>], first: u64, last: u64) -> InputError {
    let mut used: Vec<u64> = units.iter().flatten().map(|access| access.address).collect();
    let spare = (units.len() - used.len()) as u64;
    used.sort_unstable();
    used.dedup();
    InputError::MemoryHoles {
        first,
        last,
        holes: last - first - (used.len() as u64 - 1),
        spare,
    }
}
