//! Runs a program to a Cairo PIE, which a bootloader then takes as a task.

use super::{Mode, Place, Prepared, RunError, RunOptions, guarded, hints, machine, parse_any, run_to_end};
use crate::cairo::run::CANONICAL_BUILTINS;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::vm::security::verify_secure_runner;
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
    };
    // It has every builtin that bootloaders know. In execution mode, nothing else depends on the layout.
    let place = Place {
        layout: LayoutName::all_cairo,
        params: None,
        segments: &CANONICAL_BUILTINS,
        has_builtin: &|_| true,
    };
    let mode = Mode {
        proof: false,
        trace: false,
    };
    let (mut runner, mut processor) = run_to_end(prepared, &place, mode, options)?;
    runner
        .end_run(false, false, &mut processor, false)
        .map_err(machine)?;
    runner.read_return_values(false).map_err(machine)?;
    verify_secure_runner(&runner, true, None).map_err(machine)?;
    runner.get_cairo_pie().map_err(machine)
}
