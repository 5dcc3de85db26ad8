//! Runs Scarb executables by themselves.

use super::{Place, RunError, RunOptions, check_builtins, execute};
use crate::cairo::input::ProverInput;
use crate::cairo::run::whole::{ENTRY, N_BUILTINS};
use quarry_tasks::executable::{Alone, EntryPointKind, Executable, ExecutableError, Felt252};

/// Where the run begins.
const KIND: EntryPointKind = EntryPointKind::Standalone;

/// Runs an executable from its entry point of kind `Standalone`, as a program compiled in proof mode is run.
pub(super) fn run(
    alone: &Alone<'_>,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<ProverInput, RunError> {
    check_entry(alone.executable)?;
    let prepared = alone.prepare(options.max_steps)?;
    check_builtins(&prepared.program, place)?;
    execute(prepared, place, options)
}

/// Checks that a standalone program begins as one, so that verifiers know its run.
fn check_entry(executable: &Executable) -> Result<(), ExecutableError> {
    let entry_point = executable.entry_point(KIND)?;
    let kind = KIND.name();
    let wrong = |why| Err(ExecutableError::EntryPoint { kind, why });
    if entry_point.offset != 0 {
        return wrong(format!(
            "it begins at word {} of the program, so verifiers would not see the words before it",
            entry_point.offset
        ));
    }
    let n_builtins = (N_BUILTINS, entry_point.builtins.len() as u64);
    for (at, word) in ENTRY.iter().copied().chain([n_builtins]) {
        let mut words = executable.bytecode.iter().skip(at as usize);
        if words.next() != Some(&Felt252::from(word)) {
            return wrong(format!("word {at} of the program must be {word:#x}"));
        }
    }
    Ok(())
}
