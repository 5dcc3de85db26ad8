//! The file of `--tasks`, which has the form of the simple bootloader's input.
//!
//! It is the form of StarkWare's own tools: `{"tasks": [{"type": .., "program_hash_function": .., ..}, ..], "single_page":
//! .., "fact_topologies_path": ..}`. Paths are relative to the file.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::source::read;
use crate::cli::task_reader::in_file;
use crate::cli::task_source::{Content, ListedTask, TaskSource};
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    tasks: Vec<Value>,
    #[serde(default = "yes")]
    single_page: bool,
    fact_topologies_path: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

/// A task of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(rename = "type")]
    kind: Kind,
    program_hash_function: Option<String>,
    path: Option<PathBuf>,
    program: Option<Value>,
    program_input: Option<Value>,
    user_args_list: Option<Value>,
    user_args_file: Option<PathBuf>,
}

/// What a task is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Kind {
    CairoPiePath,
    RunProgramTask,
    Cairo1Executable,
}

/// What the file asks for.
pub struct TaskList {
    /// The file; `None` if the tasks are those of a command line.
    file: Option<PathBuf>,
    /// The tasks in order.
    pub tasks: Vec<ListedTask>,
    /// Whether the output is on one page.
    pub single_page: bool,
    /// Where the fact topologies are to be written.
    pub fact_topologies: Option<PathBuf>,
}

impl From<Vec<TaskSource>> for TaskList {
    /// The list that asks for nothing else.
    fn from(sources: Vec<TaskSource>) -> Self {
        Self {
            file: None,
            tasks: sources.into_iter().map(ListedTask::from).collect(),
            single_page: true,
            fact_topologies: None,
        }
    }
}

impl TaskList {
    /// Does something with each task. A failure names the task by its place, if there is a file of tasks.
    pub fn each<T>(&self, mut act: impl FnMut(&ListedTask) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let tasks = self.tasks.iter().enumerate();
        let done = tasks.map(|(i, task)| {
            act(task).map_err(|failure| match &self.file {
                Some(path) => in_task(path, i, &failure),
                None => failure,
            })
        });
        done.collect()
    }
}

fn in_task(list: &Path, i: usize, failure: &Failure) -> Failure {
    in_file(list, &Failure::bad_input(format!("task {i}: {failure}")))
}

/// Reads the file, but not those of its tasks.
pub fn read_list(path: &Path) -> Result<TaskList, Failure> {
    let in_list = |failure: Failure| in_file(path, &failure);
    let file: ListFile = serde_json::from_slice(&read(path)?)
        .or_bad_input()
        .map_err(in_list)
        .or_wrong_kind(path, FileKind::TaskList)?;
    if file.tasks.is_empty() {
        return Err(in_list(Failure::bad_input("it has no tasks")));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let entries = file.tasks.into_iter().enumerate();
    let tasks =
        entries.map(|(i, entry)| read_entry(entry, folder).map_err(|failure| in_task(path, i, &failure)));
    Ok(TaskList {
        file: Some(path.to_owned()),
        tasks: tasks.collect::<Result<_, _>>()?,
        single_page: file.single_page,
        fact_topologies: file.fact_topologies_path.map(|path| folder.join(path)),
    })
}

fn read_entry(entry: Value, folder: &Path) -> Result<ListedTask, Failure> {
    let mut entry: Entry = serde_json::from_value(entry).or_bad_input()?;
    let hash_function = entry.program_hash_function.as_deref();
    let hash_function = hash_function.map(hash_function_named).transpose()?;
    // A program may also be named where StarkWare's tools have it in the file itself.
    if let Some(Value::String(path)) = &entry.program {
        let path = PathBuf::from(path);
        if entry.path.replace(path).is_some() {
            return Err(Failure::bad_input("it has both 'program' and 'path'"));
        }
        entry.program = None;
    }
    entry.path = entry.path.map(|path| folder.join(path));
    entry.user_args_file = entry.user_args_file.map(|path| folder.join(path));
    entry.check_fields()?;
    let source = entry.source()?;
    Ok(ListedTask {
        source,
        hash_function,
    })
}

fn hash_function_named(name: &str) -> Result<HashFunction, Failure> {
    // StarkWare's lists write the names in any case.
    HashFunction::by_name(&name.to_ascii_lowercase()).ok_or_else(|| {
        let known = HashFunction::names();
        Failure::bad_input(format!(
            "program_hash_function is '{name}'; expected one of {known}"
        ))
    })
}

impl Entry {
    /// Rejects fields that its kind of task does not have: they would be ignored.
    fn check_fields(&self) -> Result<(), Failure> {
        let is_program = self.kind == Kind::RunProgramTask;
        let is_executable = self.kind == Kind::Cairo1Executable;
        for (name, is_there, is_known) in [
            ("program", self.program.is_some(), is_program),
            ("program_input", self.program_input.is_some(), is_program),
            ("user_args_list", self.user_args_list.is_some(), is_executable),
            ("user_args_file", self.user_args_file.is_some(), is_executable),
        ] {
            if is_there && !is_known {
                return Err(Failure::bad_input(format!("{:?} has no '{name}'", self.kind)));
            }
        }
        Ok(())
    }

    /// The arguments of an executable.
    fn arguments(self) -> Result<Option<Content>, Failure> {
        match (self.user_args_list, self.user_args_file) {
            (Some(_), Some(_)) => Err(Failure::bad_input(
                "it has both 'user_args_list' and 'user_args_file'",
            )),
            (Some(list), None) => Ok(Some(Content::Json(list))),
            (None, file) => Ok(file.map(Content::File)),
        }
    }

    /// What the task is made of.
    fn source(mut self) -> Result<TaskSource, Failure> {
        let kind = self.kind;
        let lacks = |what: &str| Failure::bad_input(format!("{kind:?} needs {what}"));
        let (program, path) = (self.program.take(), self.path.take());
        let content = match (program, path) {
            (Some(_), Some(_)) => return Err(Failure::bad_input("it has both 'program' and 'path'")),
            (Some(program), None) => Some(Content::Json(program)),
            (None, path) => path.map(Content::File),
        };
        match (kind, content) {
            (Kind::RunProgramTask, Some(program)) => Ok(TaskSource::Program {
                program,
                input: self.program_input.map(Content::Json),
            }),
            (Kind::RunProgramTask, None) => Err(lacks("'program' or 'path'")),
            (Kind::CairoPiePath, Some(Content::File(path))) => Ok(TaskSource::Pie(path)),
            (Kind::Cairo1Executable, Some(Content::File(file))) => Ok(TaskSource::Executable {
                file,
                arguments: self.arguments()?,
            }),
            (Kind::CairoPiePath | Kind::Cairo1Executable, _) => Err(lacks("'path'")),
        }
    }
}
