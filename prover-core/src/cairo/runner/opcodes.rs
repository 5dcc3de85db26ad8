//! Refuses a run that no layout of Stone can prove, because it executes an instruction that they do not have.

use super::{RunError, machine, to_felt};
use crate::cairo::components::cpu::OpcodeExtension;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use quarry_tasks::bootloader;

/// Looks at every instruction that a finished run has executed.
///
/// # Errors
/// [`RunError::Opcode`], about the first step with such an instruction.
pub(super) fn check(runner: &CairoRunner) -> Result<(), RunError> {
    let memory = &runner.relocated_memory;
    let mut seen = vec![false; memory.len()];
    for step in runner.relocated_trace.iter().flatten() {
        let is_seen = seen.get_mut(step.pc).map(|seen| std::mem::replace(seen, true));
        let word = memory.get(step.pc).and_then(Option::as_ref);
        let (Some(false), Some(word)) = (is_seen, word) else {
            continue;
        };
        if let Some(opcode) = OpcodeExtension::of(to_felt(word)) {
            let place = place(runner, step.pc)?;
            return Err(RunError::Opcode { place, opcode });
        }
    }
    Ok(())
}

/// Says in words where an address lies.
fn place(runner: &CairoRunner, address: usize) -> Result<String, RunError> {
    let starts = runner.vm.segments.relocate_segments().map_err(machine)?;
    let segment = starts
        .partition_point(|start| *start <= address)
        .saturating_sub(1);
    let offset = address - starts.get(segment).copied().unwrap_or_default();
    let pc = Relocatable::from((segment.cast_signed(), offset));
    Ok(bootloader::place(&runner.exec_scopes, pc).unwrap_or_else(|| format!("pc {offset}")))
}
