//! Hints that take memory.

use super::machine::Machine;
use super::misplaced;
use cairo_lang_casm::hints::CoreHint;
use cairo_vm::vm::errors::hint_errors::HintError;

pub(super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::AllocSegment { dst } => {
            let segment = machine.add_segment()?;
            machine.set(dst, segment)
        }
        CoreHint::AllocConstantSize { size, dst } => {
            let size = machine.size(size)?;
            // All objects lie in one segment.
            let object = match machine.state()?.next_object {
                Some(next) => next,
                None => machine.add_segment()?,
            };
            machine.state()?.next_object = Some((object + size)?);
            machine.set(dst, object)
        }
        _ => Err(misplaced()),
    }
}
