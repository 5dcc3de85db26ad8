//! The interpreter of register programs: it runs one instruction at a time over a strip of rows.

use super::CpuBuffer;
use super::CpuDevice;
use super::powers::{fill_powers, invert};
use crate::columns::{Columns, Natural};
use crate::device::{Device, DeviceError, Tag, Ticket};
use crate::felt::{Felt, subgroup_generator};
use crate::ops::{ComposeOps, check_compose, check_program};
use crate::program::{Instruction, Opcode, Operand, Program};
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

/// Rows per strip: enough to pay for reading an instruction, few enough that the registers stay in the cache.
const STRIP: usize = 64;

type Strip = [Felt; STRIP];

impl ComposeOps for CpuDevice {
    type Loaded = Program;

    fn load(&self, program: &Program) -> Result<Program, DeviceError> {
        check_program(program)?;
        Ok(program.clone())
    }

    fn compose(
        &self,
        program: &Program,
        tables: &[&Columns<Self, Natural>],
        periodic: &[CpuBuffer<Felt>],
        scalars: &[Felt],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        check_compose(program.input_counts(), tables, periodic, scalars, out)?;
        let columns = tables
            .iter()
            .flat_map(|table| (0..table.n_columns()).map(|i| table.column(i)));
        let inputs = Inputs {
            sources: columns.chain(periodic.iter().map(CpuBuffer::as_slice)).collect(),
            scalars,
        };
        self.pool.install(|| {
            out.elements_mut()
                .par_chunks_mut(STRIP)
                .enumerate()
                .for_each_init(
                    || Registers::new(program.n_registers),
                    |registers, (strip, out)| registers.run(program, &inputs, strip * STRIP, out),
                );
        });
        Ok(Ticket::ready())
    }

    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<CpuBuffer<Felt>, DeviceError> {
        let mut table = self.point_table(shift, log_len)?;
        self.pool.install(|| {
            table
                .as_mut_slice()
                .par_iter_mut()
                .with_min_len(STRIP)
                .for_each(|x| *x -= Felt::ONE);
            invert(table.as_mut_slice());
        });
        Ok(table)
    }

    fn point_table(&self, shift: Felt, log_len: u32) -> Result<CpuBuffer<Felt>, DeviceError> {
        let mut table = self.alloc(1 << log_len, Tag("constraint tables"))?;
        self.pool
            .install(|| fill_powers(table.as_mut_slice(), shift, subgroup_generator(log_len)));
        Ok(table)
    }
}

/// What the program reads, except registers.
struct Inputs<'a> {
    sources: Vec<&'a [Felt]>,
    scalars: &'a [Felt],
}

/// The registers of one thread, one strip each.
struct Registers {
    #[expect(clippy::vec_box, reason = "strips are swapped by pointer")]
    strips: Vec<Box<Strip>>,
    /// Destination of an instruction. Its strip is then swapped with that of the target, which may be an operand.
    spare: Box<Strip>,
    /// Buffers for cells that wrap around the end, one per operand.
    wrapped: [Box<Strip>; 2],
}

/// An operand's values on a strip.
enum Values<'a> {
    Strip(&'a Strip),
    Same(Felt),
}

impl Registers {
    fn new(n: usize) -> Self {
        let strip = || Box::new([Felt::ZERO; STRIP]);
        Self {
            strips: (0..n).map(|_| strip()).collect(),
            spare: strip(),
            wrapped: [strip(), strip()],
        }
    }

    /// Runs the program on the rows starting at `row` and writes its result.
    fn run(&mut self, program: &Program, inputs: &Inputs<'_>, row: usize, out: &mut [Felt]) {
        let Self {
            strips,
            spare,
            wrapped: [wrapped_a, wrapped_b],
        } = self;
        for Instruction { opcode, target, a, b } in &program.instructions {
            let a = inputs.read(*a, row, strips, wrapped_a);
            let b = inputs.read(*b, row, strips, wrapped_b);
            match opcode {
                Opcode::Add => apply(|a, b| a + b, a, b, spare),
                Opcode::Sub => apply(|a, b| a - b, a, b, spare),
                Opcode::Mul => apply(|a, b| a * b, a, b, spare),
            }
            std::mem::swap(spare, &mut strips[usize::from(*target)]);
        }
        match inputs.read(program.result, row, strips, wrapped_a) {
            Values::Strip(strip) => out.copy_from_slice(&strip[..out.len()]),
            Values::Same(value) => out.fill(value),
        }
    }
}

impl Inputs<'_> {
    /// The operand's values on the rows starting at `row`. Copies them only if they wrap around the end.
    fn read<'b>(
        &'b self,
        operand: Operand,
        row: usize,
        registers: &'b [Box<Strip>],
        wrapped: &'b mut Strip,
    ) -> Values<'b> {
        match operand {
            Operand::Register(register) => Values::Strip(&registers[usize::from(register)]),
            Operand::Scalar(scalar) => Values::Same(self.scalars[scalar as usize]),
            Operand::Cell { source, offset } => {
                let cells = self.sources[usize::from(source)];
                let mask = cells.len() - 1;
                let first = (row + offset as usize) & mask;
                if let Some(strip) = cells[first..].first_chunk() {
                    return Values::Strip(strip);
                }
                if mask == 0 {
                    return Values::Same(cells[0]);
                }
                for (i, value) in wrapped.iter_mut().enumerate() {
                    *value = cells[(first + i) & mask];
                }
                Values::Strip(wrapped)
            }
        }
    }
}

#[inline(always)]
fn apply(operation: impl Fn(Felt, Felt) -> Felt, a: Values<'_>, b: Values<'_>, out: &mut Strip) {
    match (a, b) {
        (Values::Strip(a), Values::Strip(b)) => {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = operation(*a, *b);
            }
        }
        (Values::Strip(a), Values::Same(b)) => {
            for (out, a) in out.iter_mut().zip(a) {
                *out = operation(*a, b);
            }
        }
        (Values::Same(a), Values::Strip(b)) => {
            for (out, b) in out.iter_mut().zip(b) {
                *out = operation(a, *b);
            }
        }
        (Values::Same(a), Values::Same(b)) => out.fill(operation(a, b)),
    }
}
