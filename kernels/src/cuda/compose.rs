//! Register programs, interpreted with one thread per row.

use super::buffer::Allocation;
use super::context::Context;
use super::kernels::{Grid, Kernel, arguments};
use super::{CudaBuffer, CudaDevice, SCRATCH};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceBuffer, DeviceError, Tag, Ticket};
use crate::felt::Felt;
use crate::launch::program::{check, register_numbers};
use crate::ops::{ComposeOps, check_compose};
use crate::program::{InputCounts, Opcode, Operand, Program};
use ark_ff::Field;

/// Bounds for the number of blocks that run on a multiprocessor at once and share its memory. Within these bounds, as
/// many run as can have all their registers in that memory.
const MIN_BLOCKS_PER_MULTIPROCESSOR: u32 = 4;
const MAX_BLOCKS_PER_MULTIPROCESSOR: u32 = 16;

/// `Operand` of `compose.cu`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct EncodedOperand {
    what: u32,
    offset: u32,
}

/// `Instruction` of `compose.cu`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct EncodedInstruction {
    opcode: u32,
    target: u32,
    a: EncodedOperand,
    b: EncodedOperand,
}

/// `Source` of `compose.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Source {
    cells: u64,
    mask: u64,
}

/// A program on the device.
pub struct LoadedProgram {
    instructions: Allocation,
    n_instructions: u32,
    result: EncodedOperand,
    n_registers: usize,
    inputs: InputCounts,
}

impl EncodedOperand {
    fn new(operand: Operand, numbers: &[u32]) -> Self {
        let (kind, index, offset) = match operand {
            Operand::Register(register) => (0, numbers[usize::from(register)], 0),
            Operand::Scalar(scalar) => (1, scalar, 0),
            Operand::Cell { source, offset } => (2, u32::from(source), offset),
        };
        Self {
            what: index << 2 | kind,
            offset,
        }
    }
}

/// Bytes of shared memory for one register of all threads of a block.
fn register_bytes() -> u32 {
    Kernel::Compose.threads() * size_of::<Felt>() as u32
}

/// Placement of the registers of a launch.
struct Residence {
    /// Blocks of the launch: those that run at once.
    n_blocks: u64,
    /// Number of registers in shared memory.
    n_shared: u32,
    /// Number of elements for the other registers, over all threads.
    n_scratch: usize,
}

impl Residence {
    fn new(context: &Context, n_registers: usize, n_rows: u64) -> Self {
        let kernel = Kernel::Compose;
        let all = u32::try_from(n_registers).unwrap_or(u32::MAX);
        let places = context.max_shared_bytes / register_bytes();
        let n_resident =
            (places / all.max(1)).clamp(MIN_BLOCKS_PER_MULTIPROCESSOR, MAX_BLOCKS_PER_MULTIPROCESSOR);
        let n_shared = all.min(places / n_resident);
        let resident = u64::from(context.n_multiprocessors * n_resident);
        let n_blocks = kernel.grid(n_rows).x.min(resident);
        let n_threads = n_blocks as usize * kernel.threads() as usize;
        Self {
            n_blocks,
            n_shared,
            n_scratch: (n_registers - n_shared as usize) * n_threads,
        }
    }
}

/// Bytes of scratch that a launch needs beside its buffers.
pub(super) fn scratch(context: &Context, n_registers: usize, log_len: u32) -> u64 {
    let residence = Residence::new(context, n_registers, 1 << log_len);
    (residence.n_scratch * size_of::<Felt>()) as u64
}

impl ComposeOps for CudaDevice {
    type Loaded = LoadedProgram;

    fn load(&self, program: &Program) -> Result<LoadedProgram, DeviceError> {
        check(program)?;
        let numbers = register_numbers(program);
        let encode = |instruction: &crate::program::Instruction| EncodedInstruction {
            opcode: match instruction.opcode {
                Opcode::Add => 0,
                Opcode::Sub => 1,
                Opcode::Mul => 2,
            },
            target: numbers[usize::from(instruction.target)],
            a: EncodedOperand::new(instruction.a, &numbers),
            b: EncodedOperand::new(instruction.b, &numbers),
        };
        // The kernel reads one instruction ahead.
        let end = EncodedInstruction::default();
        let instructions: Vec<_> = program.instructions.iter().map(encode).chain([end]).collect();
        Ok(LoadedProgram {
            instructions: Allocation::upload(&self.context, &instructions, Tag("program"))?,
            n_instructions: u32::try_from(program.instructions.len()).unwrap_or(u32::MAX),
            result: EncodedOperand::new(program.result, &numbers),
            n_registers: program.n_registers,
            inputs: program.input_counts(),
        })
    }

    fn compose(
        &self,
        program: &LoadedProgram,
        tables: &[&Columns<Self, Natural>],
        periodic: &[CudaBuffer<Felt>],
        scalars: &[Felt],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        check_compose(program.inputs, tables, periodic, scalars, out)?;
        let columns = tables
            .iter()
            .flat_map(|table| (0..table.n_columns()).map(|i| table.column_address(i)))
            .map(|cells| Source {
                cells,
                mask: out.n_rows() as u64 - 1,
            });
        let periodic = periodic.iter().map(|table| Source {
            cells: table.address(0),
            mask: table.len() as u64 - 1,
        });
        let sources: Vec<_> = columns.chain(periodic).collect();
        let sources = Allocation::upload(&self.context, &sources, SCRATCH)?;
        let scalars = Allocation::upload(&self.context, scalars, SCRATCH)?;

        let n_rows = out.n_rows() as u64;
        let Residence {
            n_blocks,
            n_shared,
            n_scratch,
        } = Residence::new(&self.context, program.n_registers, n_rows);
        let scratch = Allocation::take::<Felt>(&self.context, n_scratch, SCRATCH)?;
        // SAFETY: the arguments of `compose`; `load` checked the program's operands, the shapes of the sources were
        // checked above, and every thread has its registers.
        unsafe {
            self.context.launch(
                Kernel::Compose,
                Grid { x: n_blocks, y: 1 },
                n_shared * register_bytes(),
                arguments![
                    program.instructions.address(),
                    program.n_instructions,
                    program.result,
                    sources.address(),
                    scalars.address(),
                    scratch.address(),
                    n_shared,
                    out.values().address(0),
                    n_rows,
                ],
            )?;
        }
        self.ticket()
    }

    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<CudaBuffer<Felt>, DeviceError> {
        let mut table = self.points_less(shift, log_len, Felt::ONE, Tag("constraint tables"))?;
        self.invert(&mut table)?;
        Ok(table)
    }

    fn point_table(&self, shift: Felt, log_len: u32) -> Result<CudaBuffer<Felt>, DeviceError> {
        self.points_less(shift, log_len, Felt::default(), Tag("constraint tables"))
    }
}
