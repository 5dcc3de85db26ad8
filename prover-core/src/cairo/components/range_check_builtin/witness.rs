//! Trace cells of `range_check_builtin`, and of `range_check96_builtin`, which differs in the number of parts: values
//! that are sums of 16-bit parts.

use super::BUILTIN;
use super::constraints::N_PARTS;
use crate::cairo::canvas::{Canvas, MemoryCell, cell, row};
use crate::cairo::components::component::Builtin;
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::RangeCheckInput;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[
    (Stage::Inputs, |canvas, layout, input| {
        RANGE_CHECK.write(canvas, layout, input)
    }),
    (Stage::Derived, |canvas, layout, input| {
        RANGE_CHECK.write_memory(canvas, layout, input)
    }),
];

/// A builtin of this kind.
pub(crate) struct RangeCheck {
    /// The builtin.
    pub builtin: Builtin,
    /// The name of the component.
    pub component: &'static str,
    /// 16-bit parts per value.
    pub n_parts: usize,
    /// The builtin's list in the private input.
    pub inputs: fn(&ProverInput) -> &[RangeCheckInput],
}

const RANGE_CHECK: RangeCheck = RangeCheck {
    builtin: BUILTIN,
    component: "range_check_builtin",
    n_parts: N_PARTS,
    inputs: |input| &input.private.range_check,
};

/// The builtin's instances and virtual columns.
struct Cells<'a> {
    builtin: Instances<'a>,
    memory: MemoryCell,
    /// The parts of all values, highest first.
    parts: Parts,
}

/// The virtual columns of the parts.
enum Parts {
    /// Consecutive cells of one virtual column; their number is a power of two.
    Together(VirtualColumn, usize),
    /// One virtual column per part.
    Apart(Vec<VirtualColumn>),
}

impl Parts {
    fn new(layout: &Layout, component: &str, n_parts: usize) -> Result<Self, InputError> {
        let name = format!("{component}/inner_range_check");
        if n_parts.is_power_of_two() {
            return Ok(Self::Together(cell(layout, &name)?, n_parts));
        }
        let cells = (0..n_parts).map(|part| cell(layout, &format!("{name}{part}")));
        Ok(Self::Apart(cells.collect::<Result<_, _>>()?))
    }

    /// The cells of an instance's parts, each as virtual column and index.
    fn of(&self, instance: usize) -> Vec<(VirtualColumn, usize)> {
        match self {
            Self::Together(cell, n) => (instance * n..(instance + 1) * n).map(|i| (*cell, i)).collect(),
            Self::Apart(cells) => cells.iter().map(|cell| (*cell, instance)).collect(),
        }
    }
}

impl RangeCheck {
    fn cells<'a>(
        &self,
        layout: &Layout,
        input: &'a ProverInput,
        n_rows: usize,
    ) -> Result<Cells<'a>, InputError> {
        Ok(Cells {
            builtin: Instances::new(self.builtin, layout, input, n_rows)?,
            memory: MemoryCell::new(layout, &format!("{}/mem", self.component))?,
            parts: Parts::new(layout, self.component, self.n_parts)?,
        })
    }

    /// Writes the parts of used instances. The parts of unused instances stay free units of the range-check pool, which
    /// fills them with unused values.
    pub fn write(&self, canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
        let cells = self.cells(layout, input, canvas.n_rows())?;
        let instances = cells.builtin.by_instance((self.inputs)(input), |i| i.index)?;
        let mut rows = canvas.rows();
        for (i, value) in instances.into_iter().enumerate() {
            let Some(value) = value.map(|input| input.value) else {
                continue;
            };
            let n_bits = 16 * self.n_parts;
            if value.checked_shr(n_bits as u32).is_some_and(|beyond| beyond != 0) {
                let value = Felt::from(value);
                return Err(cells
                    .builtin
                    .error(i as u64, BuiltinError::TooLarge { value, n_bits }));
            }
            cells.builtin.check_memory(i, 0, Felt::from(value))?;
            for (part, (cell, index)) in cells.parts.of(i).into_iter().rev().enumerate() {
                rows.range_check(cell, index, (value >> (16 * part)) as u16);
            }
        }
        Ok(())
    }

    /// Writes the memory accesses, after every part has received a value.
    pub fn write_memory(
        &self,
        canvas: &mut Canvas,
        layout: &Layout,
        input: &ProverInput,
    ) -> Result<(), InputError> {
        let cells = self.cells(layout, input, canvas.n_rows())?;
        let pool = &canvas.range_checks;
        let part = |(cell, i)| {
            let row = row(cell, i).checked_sub(pool.cell.offset);
            let unit = row.and_then(|row| pool.units.get(row / pool.cell.step));
            unit.copied().flatten().unwrap_or_default()
        };
        let value = |instance: usize| {
            let parts = cells.parts.of(instance).into_iter().map(part);
            parts.fold(0u128, |sum, part| sum << 16 | u128::from(part))
        };
        let values: Vec<u128> = (0..cells.builtin.n_instances()).map(value).collect();
        let mut rows = canvas.rows();
        for (i, value) in values.into_iter().enumerate() {
            rows.access(cells.memory, i, cells.builtin.address(i, 0), Felt::from(value));
        }
        Ok(())
    }
}
