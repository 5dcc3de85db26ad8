//! The first trace: all columns that are committed before the interaction.

use crate::cairo::components::diluted_check::witness::dilute;
use crate::cairo::components::memory::witness::{Access, MemoryCell, MemoryPool};
use crate::cairo::components::table_check::TablePool;
use crate::cairo::components::{
    add_mod, bitwise, cpu, diluted_check, ec_op, ecdsa, keccak, memory, mul_mod, pedersen, poseidon,
    range_check_builtin, range_check16,
};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use ark_ff::Zero;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Checks that the inputs are those of a valid execution, in which every step follows from the previous one, and builds
/// the columns of the first trace: natural order, `layout.rows_per_step * n_steps` rows each.
///
/// # Errors
/// [`InputError`], which names the step, the builtin's instance, the segment or the address.
pub fn build_trace(layout: &Layout, input: &ProverInput) -> Result<Vec<Vec<Felt>>, InputError> {
    check_shape(layout, input)?;
    cpu::witness::check_execution(input)?;
    fill_trace(layout, input)
}

/// Builds the columns of the first trace as Stone fills them, without checking that the steps follow from one another.
/// Used to check the constraints on invalid executions.
///
/// # Errors
/// [`InputError`] if a cell cannot be filled, for example because an operand is not in memory or a builtin has too few
/// instances.
pub fn fill_trace(layout: &Layout, input: &ProverInput) -> Result<Vec<Vec<Felt>>, InputError> {
    check_shape(layout, input)?;
    let mut witness = Witness::new(layout, layout.rows_per_step * input.trace.len())?;
    cpu::witness::write(&mut witness, layout, input)?;
    memory::witness::write_public_memory(&mut witness, layout, input)?;
    for (column, write) in BUILTINS {
        if cell(layout, column).is_ok() {
            write(&mut witness, layout, input)?;
        }
    }
    let Witness {
        columns,
        range_checks,
        ..
    } = &mut witness;
    range_check16::witness::finish(range_checks, columns, layout, &input.public)?;
    for builtin in range_check_builtin::witness::ALL {
        if builtin.is_in(layout) {
            builtin.write_memory(&mut witness, layout, input)?;
        }
    }
    if let Some(pool) = &mut witness.diluted {
        diluted_check::witness::finish(pool, &mut witness.columns, layout)?;
    }
    witness.memory.finish(&mut witness.columns, layout)?;
    if witness.is_misplaced.into_inner() {
        return Err(InputError::Misplaced { layout: layout.name });
    }
    Ok(witness.columns)
}

/// A function that writes the cells of a builtin.
type Write = fn(&mut Witness, &Layout, &ProverInput) -> Result<(), InputError>;

/// The builtins that have cells of their own, each with a virtual column that a layout has if and only if it has the
/// builtin.
const BUILTINS: &[(&str, Write)] = &[
    ("pedersen/input0/addr", pedersen::witness::write),
    (
        "range_check_builtin/mem/addr",
        range_check_builtin::witness::write,
    ),
    (
        "range_check96_builtin/mem/addr",
        range_check_builtin::witness::write96,
    ),
    ("ecdsa/pubkey/addr", ecdsa::witness::write),
    ("bitwise/x/addr", bitwise::witness::write),
    ("ec_op/p_x/addr", ec_op::witness::write),
    ("keccak/input_output/addr", keccak::witness::write),
    ("poseidon/param_0/input_output/addr", poseidon::witness::write),
    ("add_mod/p0/addr", add_mod::witness::write),
    ("mul_mod/p0/addr", mul_mod::witness::write),
];

/// Checks that the number of steps is that of the trace and holds at least one instance of every component, and that
/// the segments and the public memory fit the layout.
fn check_shape(layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let n_steps = input.public.n_steps;
    let found = input.trace.len() as u64;
    let least = (layout.least_rows() / layout.rows_per_step) as u64;
    if !n_steps.is_power_of_two() || n_steps < least {
        return Err(InputError::TooFewSteps {
            layout: layout.name,
            n_steps,
            least,
        });
    }
    if n_steps != found {
        return Err(InputError::StepCount {
            expected: n_steps,
            found,
        });
    }
    input.public.check_segments(layout)?;
    Ok(input.public.check_public_memory(layout)?)
}

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

/// The trace while it is being filled. Cells that no component writes are zero.
pub(crate) struct Witness {
    /// The columns.
    pub columns: Vec<Vec<Felt>>,
    /// The memory units.
    pub memory: MemoryPool,
    /// The units of 16-bit range checks.
    pub range_checks: TablePool,
    /// The units of diluted numbers, if the layout has them.
    pub diluted: Option<TablePool>,
    /// Set if a component wrote outside of the trace or wrote a unit twice, which the parameters of `dynamic` can
    /// cause.
    is_misplaced: AtomicBool,
}

impl Witness {
    fn new(layout: &Layout, n_rows: usize) -> Result<Self, InputError> {
        let diluted = layout.cell("diluted_pool");
        Ok(Self {
            columns: (0..layout.n_columns[0])
                .into_par_iter()
                .map(|_| vec![Felt::zero(); n_rows])
                .collect(),
            memory: MemoryPool::new(layout, n_rows)?,
            range_checks: TablePool::new(layout, "range_check16_pool", n_rows)?,
            diluted: diluted
                .map(|_| TablePool::new(layout, "diluted_pool", n_rows))
                .transpose()?,
            is_misplaced: AtomicBool::new(false),
        })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// All rows.
    pub fn rows(&mut self) -> Strip<'_> {
        Strip {
            columns: self.columns.iter_mut().map(Vec::as_mut_slice).collect(),
            memory: Units {
                cell: self.memory.cell.address,
                units: &mut self.memory.units,
            },
            is_misplaced: &self.is_misplaced,
            range_checks: Units::of(&mut self.range_checks),
            diluted: self.diluted.as_mut().map(Units::of),
        }
    }

    /// Cuts the trace into strips of `height` rows (one strip if the trace has fewer rows), so that the instances of a
    /// component can be written in parallel. `height` must be a power of two.
    pub fn strips(&mut self, height: usize) -> Vec<Strip<'_>> {
        let n_rows = self.n_rows();
        let height = height.min(n_rows);
        let rows = self.rows();
        let is_misplaced = rows.is_misplaced;
        let mut columns: Vec<_> = rows.columns.into_iter().map(|c| c.chunks_mut(height)).collect();
        let mut memory = rows.memory.strips(height);
        let mut range_checks = rows.range_checks.strips(height);
        let mut diluted = rows.diluted.map(|units| units.strips(height));
        let strip = |_| Strip {
            columns: columns.iter_mut().filter_map(Iterator::next).collect(),
            memory: memory(),
            range_checks: range_checks(),
            diluted: diluted.as_mut().map(|next| next()),
            is_misplaced,
        };
        (0..n_rows / height).map(strip).collect()
    }

    /// Writes strips of `height` rows in parallel. Returns the error of the first strip that fails.
    pub fn write_strips(
        &mut self,
        height: usize,
        write: impl Fn(usize, &mut Strip) -> Result<(), InputError> + Sync,
    ) -> Result<(), InputError> {
        let error = self
            .strips(height)
            .par_iter_mut()
            .enumerate()
            .map(|(i, strip)| write(i, strip))
            .find_map_first(Result::err);
        error.map_or(Ok(()), Err)
    }
}

/// The units of a pool in a range of rows.
struct Units<'a, T> {
    cell: VirtualColumn,
    units: &'a mut [Option<T>],
}

impl<'a> Units<'a, u16> {
    fn of(pool: &'a mut TablePool) -> Self {
        Self {
            cell: pool.cell,
            units: &mut pool.units,
        }
    }
}

impl<'a, T> Units<'a, T> {
    /// Splits the units into strips of `height` rows. If `height` is less than the distance of two units, the strips
    /// have no units: no component of that height uses the pool.
    fn strips(self, height: usize) -> impl FnMut() -> Units<'a, T> {
        let cell = self.cell;
        let mut strips = (height >= cell.step).then(|| self.units.chunks_mut(height / cell.step));
        move || Units {
            cell,
            units: strips.as_mut().and_then(Iterator::next).unwrap_or_default(),
        }
    }

    /// Fills a unit. Returns whether it existed and was free.
    fn set(&mut self, cell: VirtualColumn, index: usize, value: T) -> bool {
        let unit = row(cell, index).checked_sub(self.cell.offset);
        let unit = unit.and_then(|row| self.units.get_mut(row / self.cell.step));
        let is_free = unit.as_ref().is_some_and(|unit| unit.is_none());
        if let Some(unit) = unit {
            *unit = Some(value);
        }
        is_free
    }
}

/// Consecutive rows of the trace. Indices of cells are relative to the strip's first row.
pub(crate) struct Strip<'a> {
    columns: Vec<&'a mut [Felt]>,
    memory: Units<'a, Access>,
    range_checks: Units<'a, u16>,
    diluted: Option<Units<'a, u16>>,
    is_misplaced: &'a AtomicBool,
}

impl Strip<'_> {
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

/// The row of the `index`-th cell of a virtual column.
pub(crate) fn row(cell: VirtualColumn, index: usize) -> usize {
    cell.offset + index * cell.step
}
