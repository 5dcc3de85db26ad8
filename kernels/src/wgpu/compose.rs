//! Register programs, interpreted with one invocation per row.
//!
//! The sources of a program lie in several buffers, of which a kernel can bind only a few. The largest buffers, which
//! hold the tables of columns and long periodic tables, are bound directly; the other sources are copied into one
//! buffer. If a table does not fit in one binding, the rows are processed in strips: the cells that a strip reads are
//! copied into one buffer, where neighbouring cells of a column form one *window*.

use super::kernels::{Kernel, Parameters, WORKGROUP, limbs};
use super::memory::Allocation;
use super::transfer::copy;
use super::{SCRATCH, WgpuBuffer, WgpuDevice};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceBuffer, DeviceError, Tag, Ticket, check_shape};
use crate::felt::Felt;
use crate::launch::program::{check, register_numbers};
use crate::ops::{ComposeOps, check_compose};
use crate::program::{Opcode, Operand, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wgpu::Buffer;

/// Registers in the workgroup's memory: `N_SHARED` of `compose.wgsl`.
const N_SHARED: usize = 8;

/// Number of buffers of cells that the kernel binds.
const N_SLOTS: usize = 5;

/// Number of buffers that are bound directly, beside the one for copies; and how many of them hold a proof's columns.
const N_BOUND: usize = N_SLOTS - 1;
const N_TRACES: usize = 2;

/// Number of invocations that keep any GPU busy.
const MAX_INVOCATIONS: usize = 1 << 16;

/// Bounds for programs with registers in scratch. An invocation runs at least this many rows, so that scratch stays
/// small beside the columns. But there are at least this many invocations if there are enough rows, because fewer would
/// leave a GPU idle (a strip has few rows).
const MIN_ROWS: usize = 64;
const MIN_INVOCATIONS: usize = 1 << 14;

/// A program, and the numbers of its registers on the device.
pub struct LoadedProgram {
    program: Program,
    numbers: Vec<u32>,
}

/// The cells of a column or a periodic table, which the program reads at indices modulo their number.
#[derive(Clone, Copy)]
pub(super) struct SourceCells<'a> {
    pub(super) memory: &'a Allocation,
    pub(super) first: usize,
    pub(super) len: usize,
}

/// A source in the kernel's form: the cell of a row is element `start + (row & mask)` of a slot.
#[derive(Clone, Copy, Default)]
struct Source {
    slot: u32,
    start: u32,
    mask: u32,
}

/// Neighbouring cells of a source that a strip reads, starting `offset` rows ahead.
struct Window {
    source: usize,
    offset: usize,
    /// Number of rows beyond those of the strip.
    ahead: usize,
}

/// The buffers bound to the slots, and the places of the sources in them.
struct Bound<'a> {
    slots: Vec<&'a Buffer>,
    sources: Vec<Source>,
}

impl Program {
    fn operands(&self) -> impl Iterator<Item = Operand> + '_ {
        let operands = self.instructions.iter().flat_map(|i| [i.a, i.b]);
        operands.chain([self.result])
    }
}

/// Encodes the program for the kernel. `cell` maps a source and an offset to those that the kernel is given.
fn encode(
    loaded: &LoadedProgram,
    sources: &[Source],
    scalars: &[Felt],
    cell: impl Fn(u16, u32) -> (u32, u32),
) -> (Vec<u32>, Parameters) {
    let operand = |operand| match operand {
        Operand::Register(register) => [loaded.numbers[usize::from(register)] << 2, 0],
        Operand::Scalar(scalar) => [scalar << 2 | 1, 0],
        Operand::Cell { source, offset } => {
            let (source, offset) = cell(source, offset);
            [source << 2 | 2, offset]
        }
    };
    let mut words: Vec<u32> = Vec::new();
    for instruction in &loaded.program.instructions {
        let opcode = match instruction.opcode {
            Opcode::Add => 0,
            Opcode::Sub => 1,
            Opcode::Mul => 2,
        };
        let [a, a_ahead] = operand(instruction.a);
        let [b, b_ahead] = operand(instruction.b);
        let target = loaded.numbers[usize::from(instruction.target)] << 2;
        words.extend([target | opcode, a, a_ahead, 0, b, b_ahead, 0, 0]);
    }
    let sources_at = words.len() as u32 / 4;
    words.extend(sources.iter().flat_map(|s| [s.slot, s.start, s.mask, 0]));
    let scalars_at = words.len() as u32 / 4;
    words.extend(scalars.iter().flat_map(limbs));
    let [result, ahead] = operand(loaded.program.result);
    let n_instructions = loaded.program.instructions.len() as u32;
    let parameters = Parameters::default().words(&[result, ahead, n_instructions, sources_at, scalars_at]);
    (words, parameters)
}

impl WgpuDevice {
    /// Runs a program on every row of `out`. Sources have at most as many rows. The values are written, or added if
    /// `add` is set.
    pub(super) fn run(
        &self,
        loaded: &LoadedProgram,
        sources: &[SourceCells<'_>],
        scalars: &[Felt],
        out: &Columns<Self, Natural>,
        add: bool,
    ) -> Result<(), DeviceError> {
        let n_rows = out.n_rows();
        let Some((long, short)) = direct(sources, out.values(), self.chunk_len()) else {
            return self.run_in_strips(loaded, sources, scalars, out, add);
        };
        let runs: Vec<_> = short.iter().map(|i| (sources[*i], 0, sources[*i].len)).collect();
        let copies = self.copy_together(&runs)?;
        let mut bound = Bound {
            slots: Vec::new(),
            sources: vec![Source::default(); sources.len()],
        };
        for i in long {
            let buffer = sources[i].memory.buffer();
            let slot = bound.slots.iter().position(|slot| *slot == buffer);
            let slot = slot.unwrap_or_else(|| {
                bound.slots.push(buffer);
                bound.slots.len() - 1
            });
            bound.sources[i] = Source {
                slot: slot as u32,
                start: sources[i].first as u32,
                mask: (sources[i].len - 1) as u32,
            };
        }
        let mut start = 0;
        for i in short {
            bound.sources[i] = Source {
                slot: bound.slots.len() as u32,
                start,
                mask: (sources[i].len - 1) as u32,
            };
            start += sources[i].len as u32;
        }
        bound.slots.push(copies.buffer());
        let as_they_are = |source, offset| (u32::from(source), offset);
        let (code, parameters) = encode(loaded, &bound.sources, scalars, as_they_are);
        self.run_rows(loaded, &bound.slots, (&code, parameters), 0..n_rows, out, add)
    }

    fn run_in_strips(
        &self,
        loaded: &LoadedProgram,
        sources: &[SourceCells<'_>],
        scalars: &[Felt],
        out: &Columns<Self, Natural>,
        add: bool,
    ) -> Result<(), DeviceError> {
        let n_rows = out.n_rows();
        let used: BTreeSet<(u16, u32)> = loaded.program.operands().filter_map(cell_of).collect();
        let mut strip = self.strip_rows(used.len(), n_rows, 1)?;
        // A window has less than twice the rows of a strip, plus one for every offset in it.
        strip = (strip / 2).max(1);
        let (windows, cells) = windows(&used, sources, strip);
        for first in (0..n_rows).step_by(strip) {
            let runs: Vec<_> = windows
                .iter()
                .map(|window| {
                    let source = sources[window.source];
                    // A table that is shorter than its window is copied whole.
                    let n = (strip + window.ahead).min(source.len);
                    let at = if n == source.len {
                        0
                    } else {
                        (first + window.offset) % source.len
                    };
                    (source, at, n)
                })
                .collect();
            let copies = self.copy_together(&runs)?;
            let mut start = 0u32;
            let mut sources = Vec::with_capacity(runs.len());
            for (window, (source, _, n)) in windows.iter().zip(&runs) {
                let whole = *n == source.len;
                // The kernel adds the row and the offset; `start` compensates for both.
                let from = first.wrapping_add(window.offset) as u32;
                sources.push(Source {
                    slot: 0,
                    start: if whole { start } else { start.wrapping_sub(from) },
                    mask: if whole { (source.len - 1) as u32 } else { u32::MAX },
                });
                start += *n as u32;
            }
            let in_windows = |source, offset| (cells[&(source, offset)] as u32, offset);
            let (code, parameters) = encode(loaded, &sources, scalars, in_windows);
            self.run_rows(
                loaded,
                &[copies.buffer()],
                (&code, parameters),
                first..first + strip,
                out,
                add,
            )?;
        }
        Ok(())
    }

    /// Copies runs of cells into one buffer, one after the other. A run is given by its cells, its first element and
    /// its length; it wraps around the end of the cells.
    fn copy_together(&self, runs: &[(SourceCells<'_>, usize, usize)]) -> Result<Allocation, DeviceError> {
        let total = runs.iter().map(|(_, _, n)| n).sum::<usize>();
        let copies = Allocation::take::<Felt>(&self.context, total, SCRATCH)?;
        if !copies.is_one_chunk() {
            check_shape("compose", "elements of a strip", self.chunk_len(), total)?;
        }
        let mut to = 0;
        for (cells, at, n) in runs {
            let to_the_end = (*n).min(cells.len - at);
            for (from, n) in [(*at, to_the_end), (0, n - to_the_end)] {
                let range = cells.first + from..cells.first + from + n;
                copy::<Felt>(&self.context, (cells.memory, range), (&copies, to))?;
                to += n;
            }
        }
        Ok(copies)
    }

    /// Runs encoded code on these rows.
    fn run_rows(
        &self,
        loaded: &LoadedProgram,
        slots: &[&Buffer],
        (code, parameters): (&[u32], Parameters),
        rows: Range<usize>,
        out: &Columns<Self, Natural>,
        add: bool,
    ) -> Result<(), DeviceError> {
        let (first_row, n_rows) = (rows.start, rows.len());
        let code = Allocation::upload(&self.context, code, Tag("program"))?;
        let n_invocations = n_invocations(loaded.program.n_registers, n_rows);
        let n_scratch = n_in_scratch(loaded.program.n_registers, n_rows);
        let scratch = Allocation::take::<Felt>(&self.context, n_scratch.max(1), SCRATCH)?;
        let target = out.values().memory.piece::<Felt>(first_row, n_rows)?;
        let parameters = parameters.words(&[
            n_rows as u32,
            first_row as u32,
            target.start,
            n_invocations as u32,
            u32::from(add),
        ]);
        let mut buffers = vec![code.whole()?, scratch.whole()?, target.buffer];
        buffers.extend(slots);
        buffers.resize(3 + N_SLOTS, &self.context.nothing);
        self.launch(Kernel::Compose, &parameters, &buffers, n_invocations)
    }
}

/// Number of invocations for a program with `n_registers` registers on `n_rows` rows.
fn n_invocations(n_registers: usize, n_rows: usize) -> usize {
    let n = if n_registers <= N_SHARED {
        n_rows
    } else {
        (n_rows / MIN_ROWS).max(n_rows.min(MIN_INVOCATIONS))
    };
    n.clamp(1, MAX_INVOCATIONS).next_multiple_of(WORKGROUP)
}

/// Number of elements for the registers that do not fit in the workgroup's memory.
fn n_in_scratch(n_registers: usize, n_rows: usize) -> usize {
    n_registers.saturating_sub(N_SHARED) * n_invocations(n_registers, n_rows)
}

/// Bytes that the program of a proof takes beside its buffers, if these can be bound directly.
pub(super) fn scratch(n_registers: usize, table_lengths: &[usize], n_rows: usize) -> u64 {
    let mut lengths = table_lengths.to_vec();
    lengths.sort_by_key(|len| std::cmp::Reverse(*len));
    let copied: usize = lengths.iter().skip(N_BOUND - N_TRACES).sum();
    ((copied + n_in_scratch(n_registers, n_rows)) * size_of::<Felt>()) as u64
}

/// Source and offset of a cell operand.
fn cell_of(operand: Operand) -> Option<(u16, u32)> {
    match operand {
        Operand::Cell { source, offset } => Some((source, offset)),
        Operand::Register(_) | Operand::Scalar(_) => None,
    }
}

/// Indices of the sources that are bound directly, and of those that are copied. The sources in the largest buffers are
/// bound. `None` if one of them or `out` does not lie in one chunk, or if the copies do not fit in one.
fn direct(
    sources: &[SourceCells<'_>],
    out: &WgpuBuffer<Felt>,
    chunk_len: usize,
) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut buffers: Vec<&Buffer> = sources.iter().map(|source| source.memory.buffer()).collect();
    buffers.sort_by_key(|buffer| std::cmp::Reverse(buffer.size()));
    let mut bound: Vec<&Buffer> = Vec::new();
    for buffer in buffers {
        if bound.len() < N_BOUND && !bound.contains(&buffer) {
            bound.push(buffer);
        }
    }
    let (long, short): (Vec<usize>, Vec<usize>) =
        (0..sources.len()).partition(|i| bound.contains(&sources[*i].memory.buffer()));
    let n_copied: usize = short.iter().map(|i| sources[*i].len).sum();
    let can_be_bound = out.memory.is_one_chunk() && sources.iter().all(|source| source.memory.is_one_chunk());
    (can_be_bound && n_copied <= chunk_len).then_some((long, short))
}

/// The windows of the used cells for strips of `strip` rows, and the index of every cell's window.
fn windows(
    used: &BTreeSet<(u16, u32)>,
    sources: &[SourceCells<'_>],
    strip: usize,
) -> (Vec<Window>, BTreeMap<(u16, u32), usize>) {
    let mut windows: Vec<Window> = Vec::new();
    let mut cells = BTreeMap::new();
    for &(source, offset) in used {
        let at = offset as usize;
        let i = usize::from(source);
        let near = windows.last_mut().filter(|window| {
            // A source that is shorter than a strip is copied whole anyway.
            let end = window.offset + window.ahead;
            window.source == i && (at - end <= strip || sources[i].len <= strip)
        });
        match near {
            Some(window) => window.ahead = at - window.offset,
            None => windows.push(Window {
                source: i,
                offset: at,
                ahead: 0,
            }),
        }
        cells.insert((source, offset), windows.len() - 1);
    }
    (windows, cells)
}

impl ComposeOps for WgpuDevice {
    type Loaded = LoadedProgram;

    fn load(&self, program: &Program) -> Result<LoadedProgram, DeviceError> {
        check(program)?;
        Ok(LoadedProgram {
            numbers: register_numbers(program),
            program: program.clone(),
        })
    }

    fn compose(
        &self,
        loaded: &LoadedProgram,
        tables: &[&Columns<Self, Natural>],
        periodic: &[WgpuBuffer<Felt>],
        scalars: &[Felt],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let program = &loaded.program;
        check_compose(program.input_counts(), tables, periodic, scalars, out)?;
        let periodic = periodic.iter().map(|table| SourceCells {
            memory: &table.memory,
            first: 0,
            len: table.len(),
        });
        let sources: Vec<_> = columns(tables).chain(periodic).collect();
        self.run(loaded, &sources, scalars, out, false)?;
        Ok(self.ticket())
    }

    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<WgpuBuffer<Felt>, DeviceError> {
        let mut table = self.points_less(shift, log_len, Felt::from(1u64), Tag("constraint tables"))?;
        self.invert(&mut table)?;
        Ok(table)
    }

    fn point_table(&self, shift: Felt, log_len: u32) -> Result<WgpuBuffer<Felt>, DeviceError> {
        self.points_less(shift, log_len, Felt::default(), Tag("constraint tables"))
    }
}

/// The columns of several tables.
pub(super) fn columns<'a>(
    tables: &'a [&'a Columns<WgpuDevice, Natural>],
) -> impl Iterator<Item = SourceCells<'a>> + 'a {
    tables.iter().flat_map(|table| {
        (0..table.n_columns()).map(|i| SourceCells {
            memory: &table.values().memory,
            first: i << table.log_len(),
            len: table.n_rows(),
        })
    })
}
