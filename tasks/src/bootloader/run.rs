//! Hints of the loop over the tasks.

use super::hint::Hint;
use crate::machine::failed;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use num_traits::ToPrimitive;

/// A hint that has nothing to do. The tasks are in the state from the start, and so are the pages of their outputs.
#[expect(clippy::unnecessary_wraps, reason = "an entry of the table")]
pub(super) fn nothing(_: &mut Hint<'_>) -> Result<(), HintError> {
    Ok(())
}

/// Writes the number of tasks to the output, and adds a segment for the range checks of the bootloader itself, which are
/// moved behind those of the tasks.
pub(super) fn begin(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let n_tasks = Felt252::from(hint.state()?.tasks.len());
    let output = hint.pointer("output_ptr")?;
    hint.vm.insert_value(output, n_tasks)?;
    let segment = hint.vm.add_temporary_segment();
    hint.set("initial_subtasks_range_check_ptr", segment)
}

/// Splits the output into pages. The bootloader's own words stay on page 0: the number of tasks, and two words before
/// the output of each.
pub(super) fn configure_pages(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let pages = std::mem::take(&mut hint.state()?.pages);
    let output = hint.vm.get_output_builtin_mut()?;
    let mut at = Relocatable::from((output.base().cast_signed(), 1));
    let mut page = 1;
    for sizes in pages {
        at = (at + 2)?;
        for size in sizes {
            output
                .add_page(page, at, size)
                .map_err(VirtualMachineError::from)?;
            page += 1;
            at = (at + size)?;
        }
    }
    Ok(())
}

/// Takes the next task. The program counts how many are left.
pub(super) fn next_task(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let left = hint.number("n_tasks")?.to_usize();
    let state = hint.state()?;
    let current = left.and_then(|left| state.tasks.len().checked_sub(left));
    state.current = current.ok_or_else(|| failed("more tasks are left than there were"))?;
    Ok(())
}

/// The number of the hash function of the task's program.
pub(super) fn program_hash(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let state = hint.state()?;
    let number = state.hash_of(state.task()?).number();
    hint.set_ap(Felt252::from(number))
}

/// Half of a number, rounded down.
pub(super) fn half(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let half = hint.number("num")?.to_biguint() >> 1;
    hint.set_ap(Felt252::from(half))
}
