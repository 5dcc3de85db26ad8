//! Register programs: their validation, and the placement of their registers.

use crate::device::{DeviceError, check_range};
use crate::program::{Operand, Program};

/// The largest index of a register, scalar or source that an encoded operand can hold.
const MAX_INDEX: usize = 1 << 30;

/// Checks that operands and targets lie within what the program declares.
pub(crate) fn check(program: &Program) -> Result<(), DeviceError> {
    check_range("load", 0, program.n_scalars, MAX_INDEX)?;
    let operands = program.instructions.iter().flat_map(|i| [i.a, i.b]);
    for operand in operands.chain([program.result]) {
        let (index, len) = match operand {
            Operand::Register(register) => (usize::from(register), program.n_registers),
            Operand::Scalar(scalar) => (scalar as usize, program.n_scalars),
            Operand::Cell { source, .. } => (usize::from(source), program.n_columns + program.n_periodic),
        };
        check_range("load", index, 1, len)?;
    }
    for instruction in &program.instructions {
        check_range("load", usize::from(instruction.target), 1, program.n_registers)?;
    }
    Ok(())
}

/// The number of each register on the device. The registers used most often get the lowest numbers, which are in the
/// memory shared by a group of threads.
pub(crate) fn register_numbers(program: &Program) -> Vec<u32> {
    let mut uses = vec![0usize; program.n_registers];
    for instruction in &program.instructions {
        uses[usize::from(instruction.target)] += 1;
        for operand in [instruction.a, instruction.b] {
            if let Operand::Register(register) = operand {
                uses[usize::from(register)] += 1;
            }
        }
    }
    let mut order: Vec<usize> = (0..uses.len()).collect();
    order.sort_by_key(|register| std::cmp::Reverse(uses[*register]));
    let mut numbers = vec![0; uses.len()];
    for (number, register) in (0..).zip(order) {
        numbers[register] = number;
    }
    numbers
}
