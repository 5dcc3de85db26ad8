//! The tasks that a bootloader runs: Cairo PIEs, and programs and Scarb executables that are run to PIEs.

mod upload;

use crate::cli::bootloader::{self, HashChoice, parse_hash_function};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::output::Target;
use crate::cli::statement::parse_felt;
use crate::cli::task_list::{self, TaskList};
use crate::cli::task_reader::TaskReader;
use crate::cli::task_source::TaskSource;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::runner::RunOptions;
use quarry_prover_core::cairo::runner::verifier_program::{self, VerifierProgramError};
use quarry_prover_core::choice::ChoiceError;
use quarry_prover_core::facts::FactTopologies;
use quarry_tasks::bootloader::{Task, Tasks};
use std::path::{Path, PathBuf};

/// The group of the options that select tasks.
pub const TASKS: &str = "bootloaded";

/// The options that select something else. (clap does not ask for an option that these exclude, even where another one
/// requires it, so every option here says it.)
pub const NOT_TASKS: [&str; 2] = ["public_input_file", "private_input_file"];

/// The options that select tasks and their bootloader.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct TaskArgs {
    /// Cairo PIE (zip) to run under a bootloader, instead of a program. Several make one proof of all
    #[arg(long, value_name = "FILE", groups = [super::source::EXECUTABLE, TASKS])]
    #[arg(conflicts_with_all = NOT_TASKS)]
    pie: Vec<PathBuf>,
    /// Tasks to run under a bootloader, in the form of the simple bootloader's input (JSON): PIEs, programs, executables
    #[arg(long, value_name = "FILE", groups = [super::source::EXECUTABLE, TASKS])]
    #[arg(conflicts_with_all = NOT_TASKS)]
    tasks: Option<PathBuf>,
    /// Run the program under a bootloader, as its only task
    #[arg(long, group = TASKS, requires = "program", conflicts_with_all = NOT_TASKS)]
    bootload: bool,
    /// Bootloader that runs the tasks: layout takes the one with exactly the layout's builtins, short one with all
    /// builtins, simple StarkWare's simple bootloader 0.15.0; anything else is the file of a compiled one (JSON)
    /// [default: layout; short with --wrap, simple with pages]
    #[arg(long, value_name = "layout|short|simple|FILE", requires = TASKS, conflicts_with_all = NOT_TASKS)]
    bootloader: Option<PathBuf>,
    /// Refuse a bootloader with another program hash (Pedersen or Poseidon, as `quarry verify` shows them)
    #[arg(long, value_name = "HASH", requires = TASKS, conflicts_with_all = NOT_TASKS, value_parser = parse_felt)]
    expect_bootloader_hash: Option<Felt>,
    /// Hash function of the tasks' programs, where --tasks does not state it; auto takes the one with which the run has fewer steps
    #[arg(
        long,
        value_name = "auto|pedersen|poseidon",
        requires = TASKS,
        conflicts_with_all = NOT_TASKS,
        default_value = "auto"
    )]
    #[arg(value_parser = parse_hash_function)]
    program_hash_function: HashChoice,
    /// Put the output of each task on continuous pages, as SHARP's contracts on Ethereum need it [default: one page]
    #[arg(long, requires = TASKS, conflicts_with_all = NOT_TASKS)]
    continuous_pages: bool,
}

/// The tasks of a command.
pub struct ReadTasks {
    /// The tasks under their bootloader.
    pub tasks: Tasks,
    /// Where their fact topologies are to be written.
    fact_topologies: Option<Target>,
}

impl ReadTasks {
    /// Writes the fact topologies, if they are wanted.
    pub fn write_fact_topologies(&self) -> Result<(), Failure> {
        let Some(target) = &self.fact_topologies else {
            return Ok(());
        };
        let file = FactTopologies::of(&self.tasks).or_bad_input()?;
        target.write(&serde_json::to_vec(&file).or_bad_input()?)
    }
}

impl TaskArgs {
    /// Whether tasks are to be run, not a program alone.
    pub fn are_given(&self) -> bool {
        self.bootload || self.tasks.is_some() || !self.pie.is_empty()
    }

    /// Reads the tasks and the bootloader. `single` is the only task of a command without a list. The fact topologies
    /// are to be written to `topologies`, or else to the file that the list names.
    pub fn read(
        &self,
        single: Option<TaskSource>,
        topologies: Option<&Path>,
        options: &RunOptions,
    ) -> Result<ReadTasks, Failure> {
        let list = self.list(single)?;
        let fact_topologies = topologies.or(list.fact_topologies.as_deref());
        let fact_topologies = fact_topologies.map(Target::check).transpose()?;
        let mut reader = TaskReader::new(options);
        let tasks = list.each(|task| {
            Ok(Task {
                pie: reader.read(&task.source)?,
                hash_function: task.hash_function,
            })
        })?;
        let tasks = self.under_bootloader(Tasks::of(tasks))?;
        Ok(ReadTasks {
            tasks: tasks.on_pages(self.continuous_pages || !list.single_page),
            fact_topologies,
        })
    }

    /// The tasks before they are read.
    fn list(&self, single: Option<TaskSource>) -> Result<TaskList, Failure> {
        match (&self.tasks, single) {
            (Some(list), _) => task_list::read_list(list),
            (None, Some(single)) => Ok(TaskList::from(vec![single])),
            (None, None) => {
                let pies = self.pie.iter().cloned().map(TaskSource::Pie);
                Ok(TaskList::from(pies.collect::<Vec<_>>()))
            }
        }
    }

    /// Puts tasks under the bootloader.
    fn under_bootloader(&self, tasks: Tasks) -> Result<Tasks, Failure> {
        let expected = self.expect_bootloader_hash.as_ref().map(felt::to_standard_bytes);
        Ok(tasks
            .under(bootloader::read(self.bootloader())?)
            .expecting(expected)
            .hashed_by(self.program_hash_function.0))
    }

    /// Refuses a bootloader whose proof no Cairo verifier accepts: that of a layout other than dynamic, which alone has
    /// all builtins.
    ///
    /// # Errors
    /// That of the verifiers, before anything is run.
    pub fn check_wrapping(&self, is_dynamic: bool) -> Result<(), Failure> {
        let is_of_layout = self.bootloader.as_deref() == Some(Path::new(bootloader::DEFAULT));
        if !is_of_layout || is_dynamic {
            return Ok(());
        }
        let why = "--bootloader layout has those of the layout; leave it out, or give short or simple";
        Err(VerifierProgramError::Form(why.to_owned())).or_bad_input()
    }

    /// The same, under a bootloader whose proof can be wrapped in any layout, unless the caller gave one.
    pub fn for_wrapping(&self) -> Self {
        let mut same = self.clone();
        same.bootloader.get_or_insert(verifier_program::BOOTLOADER.into());
        same
    }

    /// The bootloader's name, or its file.
    fn bootloader(&self) -> &Path {
        self.bootloader
            .as_deref()
            .unwrap_or(Path::new(bootloader::DEFAULT))
    }

    /// The failure to run the tasks. It names the caller's bootloader if that is at fault.
    pub fn failure(&self, error: &ChoiceError) -> Failure {
        bootloader::failure(self.bootloader(), error)
    }
}
