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
use quarry_prover_core::choice::ChoiceError;
use quarry_prover_core::facts::{self, Topology};
use quarry_tasks::bootloader::{Task, Tasks};
use serde::Serialize;
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
    /// Also write the fact topologies of the tasks (JSON, in the form of StarkWare's bootloader) to this file
    #[arg(long, value_name = "FILE", requires = TASKS, conflicts_with_all = NOT_TASKS)]
    fact_topologies: Option<PathBuf>,
}

/// The file of the fact topologies, in the form of StarkWare's bootloader.
#[derive(Serialize)]
struct FactTopologies {
    fact_topologies: Vec<Topology>,
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
        let topologies = facts::topologies(&self.tasks).or_bad_input()?;
        let file = FactTopologies {
            fact_topologies: topologies,
        };
        target.write(&serde_json::to_vec(&file).or_bad_input()?)
    }
}

impl TaskArgs {
    /// Whether tasks are to be run, not a program alone.
    pub fn are_given(&self) -> bool {
        self.bootload || self.tasks.is_some() || !self.pie.is_empty()
    }

    /// Reads the tasks and the bootloader. `single` is the only task of a command without a list.
    pub fn read(&self, single: Option<TaskSource>, options: &RunOptions) -> Result<ReadTasks, Failure> {
        let list = self.list(single)?;
        let fact_topologies = self.fact_topologies.as_ref().or(list.fact_topologies.as_ref());
        let fact_topologies = fact_topologies.map(|path| Target::check(path)).transpose()?;
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

    /// The same, under a bootloader whose proof can be wrapped in any layout, unless the caller gave one.
    pub fn for_wrapping(&self) -> Self {
        let mut same = self.clone();
        same.bootloader.get_or_insert(bootloader::FOR_WRAPPING.into());
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
