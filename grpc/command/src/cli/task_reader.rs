//! Reads tasks: Cairo PIEs from files, and programs and Scarb executables, which are run to PIEs.

use crate::cli::executables;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::read::read_at_most;
use crate::cli::source::{read, read_json};
use quarry_prover_core::cairo::runner::{RunOptions, run_to_pie};
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::executable::Felt252;
use quarry_tasks::pie::{CairoPie, PieLimits, PieReader};
use serde_json::Value;
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

    /// Reads a PIE.
    pub fn pie(&mut self, path: &Path) -> Result<CairoPie, Failure> {
        let file = read_at_most(path, self.pies.bytes_left() as u64)?;
        let pie = match file {
            Some(file) => self.pies.read(&file),
            None => Err(self.pies.too_long()),
        };
        pie.or_bad_input()
            .map_err(|failure| in_file(path, &failure))
            .or_wrong_kind(path, FileKind::Pie)
    }

    /// Runs the program of a file, with the input of a file.
    pub fn program_file(&mut self, program: &Path, input: Option<&Path>) -> Result<CairoPie, Failure> {
        let input = input.map(read_json).transpose()?;
        let pie = self.program(&read(program)?, input.as_ref());
        pie.map_err(|failure| in_file(program, &failure))
    }

    /// Runs the Scarb executable of a file.
    pub fn executable_file(&mut self, path: &Path, arguments: &[Felt252]) -> Result<CairoPie, Failure> {
        let executable = executables::read(path)?;
        let pie = executable.run_to_pie(arguments, self.options.max_steps);
        let pie = pie.or_bad_input().map_err(|failure| in_file(path, &failure))?;
        self.pies.count(&pie).or_bad_input()?;
        Ok(pie)
    }

    /// Runs a program.
    pub fn program(&mut self, program: &[u8], input: Option<&Value>) -> Result<CairoPie, Failure> {
        let pie = run_to_pie(program, input, &self.options);
        let pie = pie.map_err(|error| Failure::from_error(Kind::BadInput, &error))?;
        self.pies.count(&pie).or_bad_input()?;
        Ok(pie)
    }
}

/// The only task of a command that has no list of them.
pub enum SingleTask<'a> {
    /// A program, with the file of its input.
    Program(&'a Path, Option<&'a Path>),
    /// A Scarb executable, with its arguments.
    Executable(&'a Path, Vec<Felt252>),
}

impl SingleTask<'_> {
    /// Runs the task.
    pub fn run(&self, reader: &mut TaskReader) -> Result<CairoPie, Failure> {
        match self {
            Self::Program(path, input) => reader.program_file(path, *input),
            Self::Executable(path, arguments) => reader.executable_file(path, arguments),
        }
    }
}

/// A failure that names the file.
pub fn in_file(path: &Path, failure: &Failure) -> Failure {
    Failure::bad_input(format!("'{}': {failure}", path.display()))
}
