//! Hints around the call of a task.

use super::hint::Hint;
use super::{load, select};
use crate::machine::failed;
use crate::pie::BUILTINS;
use cairo_vm::Felt252;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::cairo_pie::StrippedProgram;
use num_traits::ToPrimitive;
use std::collections::HashMap;

/// The version of the program header.
const BOOTLOADER_VERSION: u64 = 0;

/// Says whether the task has the program of the task before it and the same hash function, so that one hash serves for
/// both.
pub(super) fn use_previous_hash(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let state = hint.state()?;
    let task = state.task()?;
    let previous = state.current.checked_sub(1).and_then(|i| state.tasks.get(i));
    let is_same = previous.is_some_and(|previous| {
        state.hash_of(previous) == state.hash_of(task)
            && previous.pie.metadata.program == task.pie.metadata.program
    });
    hint.set("use_prev_hash", Felt252::from(is_same))
}

/// Writes the program's header and words to a new segment.
pub(super) fn load_program(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let program = &hint.state()?.pie()?.metadata.program;
    let header = header(program);
    let n_header = header.len();
    let cells: Vec<_> = header.into_iter().chain(program.data.iter().cloned()).collect();
    let segment = hint.vm.add_memory_segment();
    hint.set("program_segment_ptr", segment)?;
    hint.vm.load_data(segment, &cells)?;
    let index = usize::try_from(segment.segment_index).map_err(|_| failed("the program got no segment"))?;
    hint.vm.segments.finalize(Some(cells.len()), index, None);
    let state = hint.state()?;
    state.loaded.push(((segment + n_header)?, state.current));
    Ok(())
}

/// What stands before a program's words, and enters its hash.
fn header(program: &StrippedProgram) -> Vec<MaybeRelocatable> {
    let builtins = program.builtins.iter();
    let names = builtins.map(|builtin| Felt252::from_bytes_be_slice(builtin.to_str().as_bytes()));
    let after_length: Vec<_> = [
        Felt252::from(BOOTLOADER_VERSION),
        Felt252::from(program.main),
        Felt252::from(program.builtins.len()),
    ]
    .into_iter()
    .chain(names)
    .collect();
    let length = Felt252::from(after_length.len() + program.data.len());
    [length]
        .into_iter()
        .chain(after_length)
        .map(MaybeRelocatable::from)
        .collect()
}

/// Checks that the program lies where it was put.
pub(super) fn check_program_address(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let address = hint.pointer("program_address")?;
    match hint.state()?.program() == Some(address) {
        true => Ok(()),
        false => Err(failed("the bootloader calls a program at another address")),
    }
}

/// Puts the memory of the task's run where the call will find it.
pub(super) fn call_task(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let (pc, ap, fp) = (hint.vm.get_pc(), hint.vm.get_ap(), hint.vm.get_fp());
    let state = hint.state()?;
    let (tasks, current, return_offset) = (state.tasks.clone(), state.current, state.return_offset);
    let program = state
        .program()
        .ok_or_else(|| failed("the task's program was not loaded"))?;
    let pie = &tasks.get(current).ok_or_else(|| failed("the task is gone"))?.pie;
    let places = load::Places {
        program,
        execution: (ap - pie.metadata.program.builtins.len())?,
        return_fp: fp,
        return_pc: (pc + return_offset)?,
    };
    load::load(hint.vm, pie, &places)?;
    hint.scopes.enter_scope(HashMap::new());
    Ok(())
}

/// The end of a task's call.
pub(super) fn leave_task(hint: &mut Hint<'_>) -> Result<(), HintError> {
    Ok(hint.scopes.exit_scope()?)
}

/// Writes where every builtin stands after the task: where the task left it, or, if it does not use it, where it was.
pub(super) fn return_builtins(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let before = hint.address("pre_execution_builtin_ptrs")?;
    let after = hint.address("return_builtin_ptrs")?;
    let mut next = hint.pointer("used_builtins_addr")?;
    let metadata = &hint.state()?.pie()?.metadata;
    let of_task = metadata.program.builtins.iter();
    let sizes: HashMap<BuiltinName, usize> = of_task
        .map(|builtin| {
            (
                *builtin,
                metadata
                    .builtin_segments
                    .get(builtin)
                    .map_or(0, |segment| segment.size),
            )
        })
        .collect();
    for (i, builtin) in BUILTINS.iter().enumerate() {
        let was = hint.cell((before + i)?)?;
        let is = match sizes.get(builtin) {
            None => was,
            Some(size) => {
                let is = hint.cell(next)?;
                check_use(*builtin, &was, &is, *size)?;
                next = (next + 1)?;
                is
            }
        };
        hint.vm.insert_value((after + i)?, is)?;
    }
    let n = sizes.len();
    select::enter_selection_of(hint, n);
    Ok(())
}

/// Checks that a task moved a builtin by as many cells as its PIE has.
fn check_use(
    builtin: BuiltinName,
    was: &MaybeRelocatable,
    is: &MaybeRelocatable,
    size: usize,
) -> Result<(), HintError> {
    let used = match (was, is) {
        (MaybeRelocatable::RelocatableValue(was), MaybeRelocatable::RelocatableValue(is)) => cells(was, is),
        // The layout lacks the builtin, so its pointer is a number. The bootloader itself refuses a task that moves it.
        (MaybeRelocatable::Int(was), MaybeRelocatable::Int(is)) => (*is - *was).to_usize(),
        _ => None,
    };
    match used == Some(size) {
        true => Ok(()),
        false => Err(failed(format!(
            "the task moved '{}' from {was} to {is}, but its PIE says that it used {size} cells",
            builtin.to_str()
        ))),
    }
}

fn cells(from: &Relocatable, to: &Relocatable) -> Option<usize> {
    let n = to.offset.checked_sub(from.offset);
    n.filter(|_| from.segment_index == to.segment_index)
}
