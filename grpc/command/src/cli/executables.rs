//! A Scarb executable to run: its options, and how it is read.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::read::read_at_most;
use crate::cli::source::EXECUTABLE;
use crate::cli::task_reader::in_file;
use crate::cli::task_source::{Content, TaskSource};
use crate::cli::tasks::TASKS;
use crate::cli::upload;
use quarry_client::Client;
use quarry_client::protocol::ExecutableTask;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::executable::{
    self, Alone, Executable, Felt252, MAX_ARGUMENTS_BYTES, MAX_BYTES, parse_argument, read_arguments,
};
use std::path::{Path, PathBuf};

/// The id of the option that names the file. (`executable` is the group of what can be run.)
pub const FILE: &str = "scarb_executable";

/// The id of the option that runs it by itself.
pub const ALONE: &str = "alone";

/// The options that select something else.
const NOT_EXECUTABLE: [&str; 6] = [
    "program",
    "pie",
    "tasks",
    "bootload",
    "public_input_file",
    "private_input_file",
];

/// The options that select a Scarb executable and its arguments.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ExecutableArgs {
    /// Scarb executable (target/dev/NAME.executable.json) to run under a bootloader, instead of a program
    #[arg(id = FILE, long = "executable", value_name = "FILE", groups = [EXECUTABLE, TASKS])]
    #[arg(conflicts_with_all = NOT_EXECUTABLE)]
    file: Option<PathBuf>,
    /// Arguments of the executable's main as its Serde writes them (an array has its length before it), such as 3,0x1f
    #[arg(long, value_name = "FELT,..", requires = FILE, value_delimiter = ',', value_parser = parse_argument)]
    #[arg(conflicts_with_all = NOT_EXECUTABLE, allow_hyphen_values = true)]
    args: Vec<Felt252>,
    /// Arguments as a JSON array of felts, as `scarb execute --arguments-file` takes them
    #[arg(long, value_name = "FILE", requires = FILE, conflicts_with = "args")]
    #[arg(conflicts_with_all = NOT_EXECUTABLE)]
    args_file: Option<PathBuf>,
    /// Run the executable by itself, without a bootloader
    #[arg(long, requires = FILE, conflicts_with_all = NOT_EXECUTABLE)]
    #[arg(conflicts_with_all = ["bootloader", "expect_bootloader_hash", "program_hash_function"])]
    #[arg(conflicts_with = "continuous_pages")]
    alone: bool,
}

impl ExecutableArgs {
    /// The file, if it is to be run by itself.
    pub fn alone(&self) -> Option<&Path> {
        self.file.as_deref().filter(|_| self.alone)
    }

    /// Reads the executable that is to be run by itself, and does something with it.
    pub fn run_alone<T>(
        &self,
        path: &Path,
        act: impl FnOnce(&Alone<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (executable, arguments) = (read(path)?, felts(&self.arguments())?);
        act(&Alone {
            executable: &executable,
            arguments: &arguments,
        })
    }

    /// Uploads the executable that is to be run by itself, and its arguments.
    pub async fn upload_alone(&self, client: &mut Client, path: &Path) -> Result<ExecutableTask, Failure> {
        Ok(ExecutableTask {
            executable: upload::file(client, Some(path)).await?,
            arguments: upload::content(client, Some(&self.arguments())).await?,
        })
    }

    /// The executable as a task; `None` if there is none.
    pub fn task(&self) -> Option<TaskSource> {
        Some(TaskSource::Executable {
            file: self.file.clone()?,
            arguments: Some(self.arguments()),
        })
    }

    fn arguments(&self) -> Content {
        match &self.args_file {
            Some(path) => Content::File(path.clone()),
            None => Content::Json(self.args.iter().map(|felt| format!("{felt:#x}")).collect()),
        }
    }
}

/// The arguments that a file has, or that are such a file's content.
pub fn felts(arguments: &Content) -> Result<Vec<Felt252>, Failure> {
    let bytes = match arguments {
        Content::File(path) => read_limited(path, MAX_ARGUMENTS_BYTES)?,
        Content::Json(_) => arguments.bytes()?,
    };
    read_arguments(&bytes)
        .or_bad_input()
        .map_err(|failure| arguments.named(failure))
}

/// Reads an executable.
pub fn read(path: &Path) -> Result<Executable, Failure> {
    let file = read_limited(path, MAX_BYTES)?;
    executable::read(&file)
        .or_bad_input()
        .map_err(|failure| in_file(path, &failure))
        .or_wrong_kind(path, FileKind::Executable)
}

fn read_limited(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let file = read_at_most(path, most as u64)?;
    file.ok_or_else(|| Failure::bad_input(format!("'{}' has more than {most} bytes", path.display())))
}
