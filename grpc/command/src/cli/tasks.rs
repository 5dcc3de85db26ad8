//! The tasks that a bootloader runs: Cairo PIEs.

mod upload;

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::read::read_at_most;
use crate::cli::source::read;
use crate::cli::statement::parse_felt;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::runner::RunError;
use quarry_prover_core::choice::ChoiceError;
use quarry_prover_core::claim::ProgramHash;
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::{HashFunction, Tasks};
use quarry_tasks::pie::{self, CairoPie, PieLimits};
use std::path::{Path, PathBuf};

/// The options that select something else. (clap does not ask for an option that these exclude, even where another one
/// requires it, so every option here says it.)
const NOT_TASKS: [&str; 3] = ["program", "public_input_file", "private_input_file"];

/// The options that select tasks and their bootloader.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct TaskArgs {
    /// Cairo PIE (zip) to run under a bootloader, instead of a program. Several make one proof of all
    #[arg(long, value_name = "FILE", group = super::source::EXECUTABLE)]
    #[arg(conflicts_with_all = NOT_TASKS)]
    pie: Vec<PathBuf>,
    /// Compiled bootloader (JSON) that runs the PIEs [default: StarkWare's simple bootloader 0.15.0]
    #[arg(long, value_name = "FILE", requires = "pie", conflicts_with_all = NOT_TASKS)]
    bootloader: Option<PathBuf>,
    /// Refuse a bootloader with another program hash (Pedersen or Poseidon, as `quarry verify` shows them)
    #[arg(long, value_name = "HASH", requires = "pie", conflicts_with_all = NOT_TASKS, value_parser = parse_felt)]
    expect_bootloader_hash: Option<Felt>,
    /// Hash function of the PIEs' programs in the output; auto takes the one with which the run has fewer steps
    #[arg(
        long,
        value_name = "auto|pedersen|poseidon",
        requires = "pie", conflicts_with_all = NOT_TASKS,
        default_value = "auto"
    )]
    #[arg(value_parser = parse_hash_function)]
    program_hash_function: Choice,
}

/// A hash function, or `None` for the cheapest. (As a type of its own, because clap takes `Option` for an option that may
/// be left out.)
#[derive(Clone, Copy, Debug)]
struct Choice(Option<HashFunction>);

fn parse_hash_function(name: &str) -> Result<Choice, String> {
    let mut known = HashFunction::ALL.into_iter();
    match known.find(|function| function.name() == name) {
        None if name != "auto" => Err("expected one of auto, pedersen, poseidon".to_owned()),
        function => Ok(Choice(function)),
    }
}

impl TaskArgs {
    /// Reads the PIEs and the bootloader.
    pub fn read(&self) -> Result<Tasks, Failure> {
        let pies = self.pie.iter().map(|path| read_pie(path));
        let mut tasks = Tasks::new(pies.collect::<Result<_, _>>()?).hashed_by(self.program_hash_function.0);
        if let Some(path) = &self.bootloader {
            tasks = tasks.under(read(path)?);
        }
        if let Some(expected) = &self.expect_bootloader_hash {
            check_hash(&tasks, expected).map_err(|failure| match &self.bootloader {
                Some(path) => in_file(path, &failure),
                None => failure,
            })?;
        }
        Ok(tasks)
    }

    /// The failure to run the tasks. It names the caller's bootloader if that is at fault.
    pub fn failure(&self, error: &ChoiceError) -> Failure {
        let failure = Failure::from_error(Kind::BadInput, error);
        match (&self.bootloader, error) {
            (
                Some(path),
                ChoiceError::Run(
                    RunError::Kind(_)
                    | RunError::Program(_)
                    | RunError::NotProofMode(_)
                    | RunError::NotABootloader(_)
                    | RunError::BootloaderHint { .. },
                ),
            ) => in_file(path, &failure),
            _ => failure,
        }
    }
}

fn read_pie(path: &Path) -> Result<CairoPie, Failure> {
    let limits = PieLimits::default();
    let most = limits.max_bytes;
    let file = read_at_most(path, most as u64)?;
    let file =
        file.ok_or_else(|| Failure::bad_input(format!("'{}' has more than {most} bytes", path.display())))?;
    pie::read(&file, &limits)
        .or_bad_input()
        .map_err(|failure| in_file(path, &failure))
        .or_wrong_kind(path, FileKind::Pie)
}

/// Compares the hash of the bootloader's words.
fn check_hash(tasks: &Tasks, expected: &Felt) -> Result<(), Failure> {
    let text = str::from_utf8(tasks.bootloader()).or_bad_input()?;
    let hash = ProgramHash::of(&CompiledProgram::parse(text).or_bad_input()?.data);
    if hash.is(expected) {
        return Ok(());
    }
    let ([pedersen, poseidon], expected) = (hash.to_hex(), felt::to_hex(expected));
    Err(Failure::bad_input(format!(
        "the bootloader has the hash {pedersen} (Pedersen) or {poseidon} (Poseidon), not {expected}"
    )))
}

fn in_file(path: &Path, failure: &Failure) -> Failure {
    Failure::bad_input(format!("'{}': {failure}", path.display()))
}
