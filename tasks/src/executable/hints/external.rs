//! Hints that only executables have: around the call of `main`.

use super::super::state::Marker;
use super::machine::Machine;
use crate::machine::failed;
use cairo_lang_casm::hints::ExternalHint;
use cairo_lang_casm::operand::CellRef;
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_traits::Zero;

pub(super) fn execute(hint: &ExternalHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        ExternalHint::WriteRunParam { index, dst } => match machine.number(index)?.is_zero() {
            true => write_arguments(machine, dst),
            false => Err(failed("the program asks for a second list of arguments")),
        },
        ExternalHint::AddMarker { start, end } => {
            let (start, end) = (machine.pointer(start)?, machine.pointer(end)?);
            let pc = machine.vm.get_pc();
            machine.state()?.marker = Some(Marker { pc, start, end });
            Ok(())
        }
        ExternalHint::AddRelocationRule { src, dst } => {
            let (from, to) = (machine.pointer(src)?, machine.pointer(dst)?);
            Ok(machine.vm.add_relocation_rule(from, to)?)
        }
        // A mark for profilers.
        ExternalHint::AddTrace { .. } => Ok(()),
    }
}

/// Writes the arguments to a segment, and its two ends to a cell and the next one.
fn write_arguments(machine: &mut Machine<'_>, dst: &CellRef) -> Result<(), HintError> {
    let n = machine.state()?.arguments.len();
    machine.state()?.spend(n)?;
    let arguments: Vec<Felt252> = machine.state()?.arguments.clone();
    let start = machine.add_segment()?;
    for (i, argument) in arguments.into_iter().enumerate() {
        machine.set_at((start + i)?, argument)?;
    }
    let first = machine.address(dst)?;
    machine.set_at(first, start)?;
    machine.set_at((first + 1)?, (start + n)?)
}
