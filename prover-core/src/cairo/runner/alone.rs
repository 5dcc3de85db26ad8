//! Runs Scarb executables by themselves.

use super::{Place, Prepared, RunError, RunOptions, check_builtins, execute};
use crate::cairo::input::ProverInput;
use quarry_tasks::executable::Alone;

/// Runs an executable from its entry point of kind `Standalone`, as a program compiled in proof mode is run.
pub(super) fn run(
    alone: &Alone<'_>,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<ProverInput, RunError> {
    let (program, hints, scopes) = alone.prepare(options.max_steps)?;
    check_builtins(&program, place)?;
    let prepared = Prepared {
        program,
        hints,
        scopes,
    };
    execute(prepared, place, options)
}
