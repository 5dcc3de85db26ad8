//! Runs a bootloader with its tasks.

use super::{Place, Prepared, RunError, RunOptions, execute, hints, parse};
use crate::cairo::input::ProverInput;
use quarry_tasks::bootloader::{self, HashFunction, Tasks};

/// Runs the tasks. Unless the hash function of their programs is fixed, the one is taken with which the run has fewer
/// steps.
pub(super) fn run(
    tasks: &Tasks,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<(HashFunction, ProverInput), RunError> {
    let program = parse(tasks.bootloader())?;
    let own = bootloader::hints();
    let texts = hints::texts(tasks.bootloader(), |text| own.contains_key(text))?;
    // Layout dynamic gives main a segment of every builtin, also of those without instances, so the bootloader sees none
    // that it would have to simulate.
    let simulates = |hint: &str| place.params.is_none() && texts.contains(hint);
    let run_hashed_by = |hash| {
        let lacking = tasks.lacking(hash, simulates, place.has_builtin);
        if let Some(lacking) = lacking {
            let layout = place.layout.to_str().to_owned();
            return Err(RunError::MissingBuiltinOfTasks { lacking, layout });
        }
        let prepared = Prepared {
            program: program.clone(),
            hints: own.clone(),
            scopes: tasks.scopes(&program, hash)?,
        };
        execute(prepared, place, options)
    };
    match tasks.hash_function() {
        Some(hash) => Ok((hash, run_hashed_by(hash)?)),
        None => shorter(
            run_hashed_by(HashFunction::Pedersen),
            run_hashed_by(HashFunction::Poseidon),
        ),
    }
}

/// The run with fewer steps. One of the hash functions may be missing in the layout, or need too many steps.
fn shorter(
    pedersen: Result<ProverInput, RunError>,
    poseidon: Result<ProverInput, RunError>,
) -> Result<(HashFunction, ProverInput), RunError> {
    match (pedersen, poseidon) {
        (Ok(pedersen), Ok(poseidon)) if poseidon.public.n_steps < pedersen.public.n_steps => {
            Ok((HashFunction::Poseidon, poseidon))
        }
        (Err(_), Ok(poseidon)) => Ok((HashFunction::Poseidon, poseidon)),
        (pedersen, _) => Ok((HashFunction::Pedersen, pedersen?)),
    }
}
