//! Trace cells of `cpu`.

use super::OpcodeExtension;
use super::instruction::{Instruction, Operands};
use crate::cairo::canvas::{Canvas, MemoryCell, Strip, cell};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::{InputError, StepError};
use crate::cairo::input::{ProverInput, TraceEntry};
use crate::cairo::layouts::{CPU_COMPONENT_HEIGHT, Layout};
use crate::cairo::memory::Memory;
use ark_ff::Zero;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;
use rayon::prelude::*;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Steps per strip. The steps of a strip share one batch inversion for `jnz`.
const STRIP_STEPS: usize = 1 << 8;

/// Checks that every step follows from the previous one, that the instructions' assertions hold, and that the first and
/// the last registers are those of the public input.
pub(crate) fn check_execution(input: &ProverInput) -> Result<(), InputError> {
    let (program, execution) = (input.segment("program")?, input.segment("execution")?);
    let registers = |pc, ap| [pc, ap, execution.begin_addr].map(Felt::from);
    let start = registers(program.begin_addr, execution.begin_addr);
    let end = registers(program.stop_ptr, execution.stop_ptr);
    let check = |step: usize| -> Result<(), StepError> {
        let entry = &input.trace[step];
        if step == 0 {
            check_registers(entry, start, "the public input")?;
        }
        let fetched = Step::fetch(entry, &input.memory)?;
        let next = fetched.instruction.execute(entry, &fetched.operands)?;
        match input.trace.get(step + 1) {
            Some(entry) => check_registers(entry, next, "the previous instruction"),
            None => check_registers(entry, end, "the public input"),
        }
    };
    let steps = (0..input.trace.len()).into_par_iter();
    first_error(
        input,
        steps.map(|step| check(step).map_err(|problem| (step, problem))),
    )
}

fn check_registers(entry: &TraceEntry, expected: [Felt; 3], why: &'static str) -> Result<(), StepError> {
    let found = [("pc", entry.pc), ("ap", entry.ap), ("fp", entry.fp)];
    for ((register, found), expected) in found.into_iter().zip(expected) {
        if Felt::from(found) != expected {
            return Err(StepError::Register {
                register,
                expected,
                found,
                why,
            });
        }
    }
    Ok(())
}

/// The error of the lowest step.
fn first_error(
    input: &ProverInput,
    results: impl IndexedParallelIterator<Item = Result<(), (usize, StepError)>>,
) -> Result<(), InputError> {
    let Some((step, problem)) = results.find_map_first(Result::err) else {
        return Ok(());
    };
    Err(InputError::Step {
        step,
        pc: input.trace[step].pc,
        problem,
    })
}

/// A step with the values that it reads from memory.
struct Step {
    word: Felt,
    instruction: Instruction,
    /// dst, op0, op1.
    addresses: [u64; 3],
    operands: Operands,
}

impl Step {
    fn fetch(entry: &TraceEntry, memory: &Memory) -> Result<Self, StepError> {
        let read = |what, address| {
            memory
                .get(address)
                .ok_or(StepError::NotInMemory { what, address })
        };
        let word = read("the instruction", entry.pc)?;
        let instruction = Instruction::decode(word).ok_or_else(|| match OpcodeExtension::of(word) {
            Some(extension) => StepError::Extension(extension),
            None => StepError::NotAnInstruction(word),
        })?;
        let dst_address = instruction.dst_address(entry)?;
        let dst = read("dst", dst_address)?;
        let op0_address = instruction.op0_address(entry)?;
        let op0 = read("op0", op0_address)?;
        let op1_address = instruction.op1_address(entry, op0)?;
        let op1 = read("op1", op1_address)?;
        Ok(Self {
            word,
            instruction,
            addresses: [dst_address, op0_address, op1_address],
            operands: Operands { dst, op0, op1 },
        })
    }
}

/// The virtual columns of the component.
struct Cells {
    instruction: MemoryCell,
    flags: VirtualColumn,
    offsets: [VirtualColumn; 3],
    operands: [MemoryCell; 3],
    ops_mul: VirtualColumn,
    res: VirtualColumn,
    ap: VirtualColumn,
    fp: VirtualColumn,
    tmp0: VirtualColumn,
    tmp1: VirtualColumn,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let cell = |name: &str| cell(layout, &format!("cpu/{name}"));
        let memory = |name: &str| MemoryCell::new(layout, &format!("cpu/{name}"));
        Ok(Self {
            instruction: memory("decode/mem_inst")?,
            flags: cell("decode/opcode_range_check/column")?,
            offsets: [cell("decode/off0")?, cell("decode/off1")?, cell("decode/off2")?],
            operands: [
                memory("operands/mem_dst")?,
                memory("operands/mem_op0")?,
                memory("operands/mem_op1")?,
            ],
            ops_mul: cell("operands/ops_mul")?,
            res: cell("operands/res")?,
            ap: cell("registers/ap")?,
            fp: cell("registers/fp")?,
            tmp0: cell("update_registers/update_pc/tmp0")?,
            tmp1: cell("update_registers/update_pc/tmp1")?,
        })
    }

    /// Writes all cells except those of the condition of a `jnz`. Returns the condition if the step is a `jnz`.
    fn write(&self, strip: &mut Strip, i: usize, entry: &TraceEntry, step: &Step) -> Option<Felt> {
        let Operands { dst, op0, op1 } = step.operands;
        strip.access(self.instruction, i, entry.pc, step.word);
        for (cell, offset) in self.offsets.into_iter().zip(step.instruction.offsets) {
            strip.range_check(cell, i, offset);
        }
        for bit in 0..CPU_COMPONENT_HEIGHT {
            let flags = step.instruction.flags >> bit;
            strip.set(self.flags, i * CPU_COMPONENT_HEIGHT + bit, Felt::from(flags));
        }
        for ((cell, address), value) in self.operands.into_iter().zip(step.addresses).zip([dst, op0, op1]) {
            strip.access(cell, i, address, value);
        }
        strip.set(self.ops_mul, i, op0 * op1);
        strip.set(self.ap, i, Felt::from(entry.ap));
        strip.set(self.fp, i, Felt::from(entry.fp));
        match step.instruction.result(op0, op1) {
            Some(res) => {
                strip.set(self.res, i, res);
                None
            }
            None => Some(dst),
        }
    }
}

/// Writes every step.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let write_strip = |(strip, (rows, entries)): (usize, (&mut Strip, &[TraceEntry]))| {
        let mut conditions = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let step =
                Step::fetch(entry, &input.memory).map_err(|problem| (strip * STRIP_STEPS + i, problem))?;
            conditions.extend(cells.write(rows, i, entry, &step).map(|condition| (i, condition)));
        }
        // The batch inversion leaves 0 unchanged.
        let mut inverses: Vec<Felt> = conditions.iter().map(|&(_, condition)| condition).collect();
        ark_ff::batch_inversion(&mut inverses);
        for ((i, condition), inverse) in conditions.into_iter().zip(inverses) {
            rows.set(cells.res, i, inverse);
            rows.set(cells.tmp0, i, condition);
            rows.set(cells.tmp1, i, Felt::from(u64::from(!condition.is_zero())));
        }
        Ok(())
    };
    let mut strips = canvas.strips(STRIP_STEPS * layout.rows_per_step);
    let results = strips
        .par_iter_mut()
        .zip(input.trace.par_chunks(STRIP_STEPS))
        .enumerate()
        .map(write_strip);
    first_error(input, results)
}
