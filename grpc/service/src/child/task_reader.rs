//! Reads the tasks of a job, each within its limits and all within those that they share. Programs and executables are
//! run to PIEs, so that the bootloader runs one kind only.

use super::prepare::{Files, refused};
use super::run;
use super::tasks::{too_large, unreadable};
use crate::job::{ARGUMENTS, EXECUTABLE, PIE, PROGRAM, PROGRAM_INPUT};
use quarry_client::protocol::task_input::Task as Kind;
use quarry_client::protocol::{
    ArtifactRef, ExecutableTask, Failure, FailureClass, Limits, ProgramTask, TaskInput,
};
use quarry_prover_core::cairo::runner::{RunOptions, run_to_pie};
use quarry_tasks::bootloader::{HashFunction, Task};
use quarry_tasks::executable::{self, Executable, ExecutableError, Felt252};
use quarry_tasks::pie::{CairoPie, PieError, PieLimits, PieReader, Shared};
use std::fmt::Display;

/// Reads the tasks of a job.
pub struct TaskReader<'a> {
    files: &'a Files<'a>,
    limits: &'a Limits,
    options: RunOptions,
    pies: PieReader,
}

impl<'a> TaskReader<'a> {
    /// A reader of no task yet. Each program may take the steps of the options.
    pub(super) fn new(files: &'a Files<'a>, options: RunOptions, limits: &'a Limits) -> Self {
        let pies = PieReader::new(PieLimits {
            max_bytes: or_none(limits.max_pie_bytes),
            max_cells: or_none(limits.max_pie_cells),
        });
        Self {
            files,
            limits,
            // Only the trace that is proved is padded.
            options: RunOptions {
                min_steps: 0,
                ..options
            },
            pies,
        }
    }

    /// Reads the next task, and runs it if it is no PIE.
    pub fn read(&mut self, input: &TaskInput) -> Result<Task, Failure> {
        let hash_function = hash_function(&input.program_hash_function).map_err(unreadable)?;
        let pie = match &input.task {
            Some(Kind::Pie(file)) => self.pie(file)?,
            Some(Kind::Program(task)) => self.program(task)?,
            Some(Kind::Executable(task)) => self.executable(task)?,
            None => return Err(unreadable("it has no kind that this service knows")),
        };
        Ok(Task { pie, hash_function })
    }

    fn pie(&mut self, file: &ArtifactRef) -> Result<CairoPie, Failure> {
        let bytes = self.files.bytes(PIE, Some(file))?;
        self.pies
            .read(&bytes)
            .map_err(|error| pie_refused(&error, self.limits))
    }

    fn program(&mut self, task: &ProgramTask) -> Result<CairoPie, Failure> {
        let program = self.files.bytes(PROGRAM, task.program.as_ref())?;
        let input = task.input.as_ref();
        let input = input.map(|input| self.files.json(PROGRAM_INPUT, Some(input)));
        let pie = run_to_pie(&program, input.transpose()?.as_ref(), &self.options);
        self.counted(pie.map_err(|error| run::run_failed(&error))?)
    }

    fn executable(&mut self, task: &ExecutableTask) -> Result<CairoPie, Failure> {
        let (executable, arguments) = self.files.executable(task)?;
        let pie = executable.run_to_pie(&arguments, self.options.max_steps);
        self.counted(pie.map_err(|error| executable_refused(&error))?)
    }

    /// Counts a run among the PIEs of the job.
    fn counted(&mut self, pie: CairoPie) -> Result<CairoPie, Failure> {
        let counted = self.pies.count(&pie);
        counted.map_err(|error| pie_refused(&error, self.limits))?;
        Ok(pie)
    }
}

impl Files<'_> {
    /// Reads an executable and its arguments.
    pub(super) fn executable(&self, run: &ExecutableTask) -> Result<(Executable, Vec<Felt252>), Failure> {
        let refused = |error| executable_refused(&error);
        let file = self.bytes(EXECUTABLE, run.executable.as_ref())?;
        let executable = executable::read(&file).map_err(refused)?;
        let arguments = match &run.arguments {
            Some(file) => executable::read_arguments(&self.bytes(ARGUMENTS, Some(file))?).map_err(refused)?,
            None => Vec::new(),
        };
        Ok((executable, arguments))
    }
}

/// The hash function that a task states, `None` for that of the list. The error says which names there are.
pub fn hash_function(name: &str) -> Result<Option<HashFunction>, String> {
    match HashFunction::by_name(name) {
        None if !name.is_empty() => Err(format!("'{name}' is none of {}", HashFunction::names())),
        function => Ok(function),
    }
}

/// A limit as a size; 0 is none.
fn or_none(limit: u64) -> usize {
    match limit {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

/// The failure for a file that is no PIE, or for PIEs that exceed a limit. Its code is that of the library, which has
/// one for each defect.
fn pie_refused(error: &PieError, limits: &Limits) -> Failure {
    let class = match error {
        PieError::TooLarge { .. }
        | PieError::Together {
            what: Shared::Bytes, ..
        } => return too_large(error),
        PieError::TooManyCells { .. }
        | PieError::Together {
            what: Shared::Cells, ..
        } => {
            let most = limits.max_pie_cells;
            let message = format!("{error}: the PIEs of a job have at most {most} (max_pie_cells)");
            return refused(FailureClass::Resource, "limits.max_pie_cells", message);
        }
        PieError::Version(_) | PieError::Compression { .. } => FailureClass::Unsupported,
        _ => FailureClass::InputInvalid,
    };
    of_library(class, error.code(), error)
}

/// The failure of an executable, by the library's code for it.
pub(super) fn executable_refused(error: &ExecutableError) -> Failure {
    let class = match error {
        ExecutableError::StepLimit(_) => {
            return refused(FailureClass::Resource, "limits.max_steps", error);
        }
        ExecutableError::Memory(_) => return refused(FailureClass::Resource, "limits.memory", error),
        ExecutableError::Starknet { .. } => FailureClass::Unsupported,
        _ => FailureClass::InputInvalid,
    };
    of_library(class, error.code(), error)
}

fn of_library(class: FailureClass, code: &str, error: impl Display) -> Failure {
    refused(class, &format!("input.{code}"), error)
}
