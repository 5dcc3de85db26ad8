//! Register programs: whether they can be encoded, and the placement of their registers.

use crate::device::{DeviceError, check_range};
use crate::ops::check_program;
use crate::program::{Operand, Program};

/// Number of registers, scalars or sources that an encoded operand can tell apart: two bits of its 32 are its kind.
const MAX_INDICES: usize = 1 << 30;

// Registers and sources (columns and periodic tables) are numbered in 16 bits, so only scalars can be too many.
const _: () = assert!((u16::MAX as usize) < MAX_INDICES);

/// Checks that the program is valid and that its operands can be encoded.
pub(crate) fn check(program: &Program) -> Result<(), DeviceError> {
    check_range("load", 0, program.n_scalars, MAX_INDICES)?;
    check_program(program)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_beyond_what_an_operand_can_name_are_refused() {
        let mut program = Program {
            instructions: Vec::new(),
            n_registers: 0,
            n_scalars: MAX_INDICES,
            n_columns: usize::from(u16::MAX) + 1,
            n_periodic: 0,
            result: Operand::Cell {
                source: u16::MAX,
                offset: 0,
            },
        };
        assert!(check(&program).is_ok());
        program.result = Operand::Scalar(1 << 30);
        assert!(check(&program).is_err());
        program.n_scalars += 1;
        assert!(check(&program).is_err());
    }
}
