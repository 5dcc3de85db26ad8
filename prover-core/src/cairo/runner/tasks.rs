//! Runs a bootloader with its tasks.

use super::{Place, RunError, RunOptions, count_steps, execute, hints, parse};
use crate::cairo::input::ProverInput;
use crate::claim::ProgramHash;
use crate::facts::{self, CompiledProgram};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::types::program::Program;
use quarry_kernels::felt;
use quarry_tasks::bootloader::{self, HashFunction, Tasks};
use quarry_tasks::machine::{Meaning, Prepared};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Runs the tasks. Returns the hash function of the programs of tasks that state none; `None` if each task states it.
/// Unless it is fixed, the one is taken with which the run has fewer steps.
pub(super) fn run(
    tasks: &Tasks,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<(Option<HashFunction>, ProverInput), RunError> {
    let own = bootloader::hints();
    let (program, texts) = checked(tasks, place.segments, &own)?;
    // Layout dynamic gives main a segment of every builtin, also of those without instances, so the bootloader sees none
    // that it would have to simulate.
    let simulates = |hint: &str| place.params.is_none() && texts.contains(hint);
    let pages = match tasks.has_pages() {
        true if !bootloader::has_pages(|hint| texts.contains(hint)) => return Err(RunError::NoPages),
        true => page_sizes(tasks)?,
        false => Vec::new(),
    };
    let prepare = |hash| {
        let lacking = tasks.lacking(hash, simulates, place.has_builtin);
        if let Some(lacking) = lacking {
            let layout = place.layout.to_str().to_owned();
            return Err(RunError::MissingBuiltinOfTasks { lacking, layout });
        }
        Ok(Prepared {
            program: program.clone(),
            hints: own.clone(),
            scopes: tasks.scopes(&program, hash, pages.clone())?,
            meaning: |runner, pc| bootloader::place(&runner.exec_scopes, pc).map(Meaning::Place),
        })
    };
    let (hash, is_free) = match tasks.hash_function() {
        _ if tasks.all_state_their_hash() => (HashFunction::Pedersen, false),
        Some(hash) => (hash, true),
        None => {
            let steps = |hash, max_steps| {
                let options = RunOptions {
                    max_steps,
                    ..*options
                };
                count_steps(prepare(hash)?, place, &options)
            };
            (shorter(prepare, steps, options.max_steps), true)
        }
    };
    Ok((is_free.then_some(hash), execute(prepare(hash)?, place, options)?))
}

/// Checks the bootloader of tasks that are not there yet, for a layout with these segments.
pub(super) fn check(tasks: &Tasks, segments: &[&str]) -> Result<(), RunError> {
    let (program, _) = checked(tasks, segments, &bootloader::hints())?;
    tasks.scopes(&program, HashFunction::Pedersen, Vec::new())?;
    Ok(())
}

/// The bootloader and the texts of its hints, if it has the expected hash and Quarry knows its hints.
fn checked(
    tasks: &Tasks,
    segments: &[&str],
    own: &HashMap<String, Rc<HintFunc>>,
) -> Result<(Program, HashSet<String>), RunError> {
    let file = tasks.bootloader().program(segments);
    let program = parse(&file)?;
    check_hash(tasks, &file)?;
    let texts = hints::texts(&file, |text| own.contains_key(text))?;
    Ok((program, texts))
}

/// The sizes of the pages of each task's output.
fn page_sizes(tasks: &Tasks) -> Result<Vec<Vec<usize>>, RunError> {
    let topologies = facts::topologies(tasks)?;
    let sizes = topologies.iter().map(|topology| {
        let sizes = topology.page_sizes().iter();
        sizes.map(|size| *size as usize).collect()
    });
    Ok(sizes.collect())
}

/// The hash function with which the run has fewer steps. The steps are counted in runs that are not kept, so that there
/// is never more than one run in memory. One of the functions may be missing in the layout, or need too many steps.
fn shorter<T>(
    prepare: impl Fn(HashFunction) -> Result<T, RunError>,
    steps: impl Fn(HashFunction, usize) -> Result<usize, RunError>,
    max_steps: usize,
) -> HashFunction {
    use HashFunction::{Pedersen, Poseidon};
    match (prepare(Pedersen), prepare(Poseidon)) {
        (_, Err(_)) => Pedersen,
        (Err(_), Ok(_)) => Poseidon,
        (Ok(_), Ok(_)) => match steps(Poseidon, max_steps) {
            // A run by Pedersen that takes more steps than this one ends early.
            Ok(poseidon) if steps(Pedersen, poseidon).is_err() => Poseidon,
            _ => Pedersen,
        },
    }
}

/// Compares the hash of the bootloader's words with the one that it must have.
fn check_hash(tasks: &Tasks, bootloader: &[u8]) -> Result<(), RunError> {
    let Some(expected) = tasks.expected_hash().as_ref().map(felt::from_bytes_reduced) else {
        return Ok(());
    };
    let text = str::from_utf8(bootloader).map_err(|error| RunError::Program(error.to_string()))?;
    let program = CompiledProgram::parse(text).map_err(|error| RunError::Program(error.to_string()))?;
    let hash = ProgramHash::of(&program.data);
    if hash.is(&expected) {
        return Ok(());
    }
    let ([pedersen, poseidon], expected) = (hash.to_hex(), felt::to_hex(&expected));
    Err(RunError::BootloaderHash {
        pedersen,
        poseidon,
        expected,
    })
}
