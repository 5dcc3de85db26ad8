//! Runs a program to a Cairo PIE, which a bootloader then takes as a task.

use super::{RunError, RunOptions, guarded, hints, parse_any};
use cairo_vm::types::exec_scope::ExecutionScopes;
use quarry_tasks::machine::{self, Prepared};
use quarry_tasks::pie::{BUILTINS, CairoPie};
use serde_json::Value;

/// Runs `main` of a compiled program, with what its hints read as `program_input`, and returns the run as a PIE.
///
/// The program may be compiled in proof mode or not. In proof mode it has a start section before `main`. The run does not
/// use it, but it belongs to the program and its hash.
///
/// # Errors
/// [`RunError`]. Unsupported hints, missing program input and unknown builtins are detected before the run.
pub fn run_to_pie(file: &[u8], input: Option<&Value>, options: &RunOptions) -> Result<CairoPie, RunError> {
    guarded(|| run(file, input, options))
}

fn run(file: &[u8], input: Option<&Value>, options: &RunOptions) -> Result<CairoPie, RunError> {
    let program = parse_any(file)?;
    if let Some(builtin) = program
        .iter_builtins()
        .find(|builtin| !BUILTINS.contains(builtin))
    {
        return Err(RunError::BuiltinOfTask(builtin.to_str()));
    }
    let hints = hints::functions(file, input, options).map_err(|error| match error {
        RunError::UnknownHint { pc, code } => RunError::UnknownHintOfTask { pc, code },
        error => error,
    })?;
    let prepared = Prepared {
        program,
        hints,
        scopes: ExecutionScopes::new(),
        meaning: machine::only_pc,
    };
    Ok(machine::run_to_pie(prepared, options.max_steps)?)
}
