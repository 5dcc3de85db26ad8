//! Reads tasks: Cairo PIEs from files, and programs and Scarb executables, which are run to PIEs.

use crate::cli::executables;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::read::read_at_most;
use crate::cli::task_source::{Content, TaskSource};
use quarry_prover_core::cairo::runner::{RunOptions, run_to_pie};
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::pie::{CairoPie, PieLimits, PieReader};
use std::path::Path;

/// Reads the tasks of one run. They share the limits on memory; each program may take the steps of the options.
pub struct TaskReader {
    options: RunOptions,
    pies: PieReader,
}

impl TaskReader {
    /// A reader of no task yet.
    pub fn new(options: &RunOptions) -> Self {
        let options = RunOptions {
            min_steps: 0,
            ..*options
        };
        let pies = PieReader::new(PieLimits::default());
        Self { options, pies }
    }

    fn pie(&mut self, path: &Path) -> Result<CairoPie, Failure> {
        let file = read_at_most(path, self.pies.bytes_left() as u64)?;
        let pie = match file {
            Some(file) => self.pies.read(&file),
            None => Err(self.pies.too_long()),
        };
        pie.or_bad_input()
            .map_err(|failure| in_file(path, &failure))
            .or_wrong_kind(path, FileKind::Pie)
    }

    /// Reads a task, and runs it if it is no PIE.
    pub fn read(&mut self, source: &TaskSource) -> Result<CairoPie, Failure> {
        match source {
            TaskSource::Pie(path) => self.pie(path),
            TaskSource::Program { program, input } => self.program(program, input.as_ref()),
            TaskSource::Executable { file, arguments } => self.executable(file, arguments.as_ref()),
        }
    }

    fn program(&mut self, program: &Content, input: Option<&Content>) -> Result<CairoPie, Failure> {
        let input = input.map(Content::json).transpose()?;
        let pie = run_to_pie(&program.bytes()?, input.as_ref(), &self.options);
        let pie = pie.map_err(|error| program.named(Failure::from_error(Kind::BadInput, &error)))?;
        self.counted(pie)
    }

    fn executable(&mut self, path: &Path, arguments: Option<&Content>) -> Result<CairoPie, Failure> {
        let arguments = arguments.map(executables::felts).transpose()?.unwrap_or_default();
        let pie = executables::read(path)?.run_to_pie(&arguments, self.options.max_steps);
        let pie = pie.or_bad_input().map_err(|failure| in_file(path, &failure))?;
        self.counted(pie)
    }

    fn counted(&mut self, pie: CairoPie) -> Result<CairoPie, Failure> {
        self.pies.count(&pie).or_bad_input()?;
        Ok(pie)
    }
}

/// A failure that names the file.
pub fn in_file(path: &Path, failure: &Failure) -> Failure {
    Failure::bad_input(format!("'{}': {failure}", path.display()))
}
