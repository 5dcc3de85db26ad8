//! The file of `--tasks`, which has the form of the simple bootloader's input.
//!
//! It is the form of StarkWare's own tools: `{"tasks": [{"type": .., "program_hash_function": .., ..}, ..], "single_page":
//! .., "fact_topologies_path": ..}`. Paths are relative to the file.

use crate::cli::executables;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::source::read;
use crate::cli::task_reader::{TaskReader, in_file};
use quarry_tasks::bootloader::{HashFunction, Task};
use quarry_tasks::executable::{Felt252, read_arguments};
use quarry_tasks::pie::CairoPie;
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
    /// The tasks in order.
    pub tasks: Vec<Task>,
    /// Whether the output is on one page.
    pub single_page: bool,
    /// Where the fact topologies are to be written.
    pub fact_topologies: Option<PathBuf>,
}

impl From<Vec<CairoPie>> for TaskList {
    /// The list that asks for nothing else.
    fn from(pies: Vec<CairoPie>) -> Self {
        Self {
            tasks: pies.into_iter().map(Task::from).collect(),
            single_page: true,
            fact_topologies: None,
        }
    }
}

/// Reads the file and its tasks; runs the programs.
pub fn read_list(path: &Path, reader: &mut TaskReader) -> Result<TaskList, Failure> {
    let in_list = |failure: Failure| in_file(path, &failure);
    let file: ListFile = serde_json::from_slice(&read(path)?)
        .or_bad_input()
        .map_err(in_list)?;
    if file.tasks.is_empty() {
        return Err(in_list(Failure::bad_input("it has no tasks")));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let entries = file.tasks.into_iter().enumerate();
    let tasks = entries.map(|(i, entry)| {
        let task = read_entry(entry, folder, reader);
        task.map_err(|failure| in_list(Failure::bad_input(format!("task {i}: {failure}"))))
    });
    Ok(TaskList {
        tasks: tasks.collect::<Result<_, _>>()?,
        single_page: file.single_page,
        fact_topologies: file.fact_topologies_path.map(|path| folder.join(path)),
    })
}

fn read_entry(entry: Value, folder: &Path, reader: &mut TaskReader) -> Result<Task, Failure> {
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
    let pie = entry.pie(reader)?;
    Ok(Task { pie, hash_function })
}

fn hash_function_named(name: &str) -> Result<HashFunction, Failure> {
    let mut known = HashFunction::ALL.into_iter();
    let known = known.find(|function| name.eq_ignore_ascii_case(function.name()));
    known.ok_or_else(|| {
        let why = format!("program_hash_function is '{name}'; expected one of pedersen, poseidon");
        Failure::bad_input(why)
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
    fn arguments(&self) -> Result<Vec<Felt252>, Failure> {
        match (&self.user_args_list, &self.user_args_file) {
            (Some(_), Some(_)) => Err(Failure::bad_input(
                "it has both 'user_args_list' and 'user_args_file'",
            )),
            (Some(list), None) => read_arguments(list.to_string().as_bytes()).or_bad_input(),
            (None, Some(path)) => executables::arguments_of(path),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The run of the task.
    fn pie(&self, reader: &mut TaskReader) -> Result<CairoPie, Failure> {
        let path = self.path.as_deref();
        let lacks = |what: &str| Failure::bad_input(format!("{:?} needs {what}", self.kind));
        let input = self.program_input.as_ref();
        match (self.kind, &self.program, path) {
            (Kind::CairoPiePath, _, Some(path)) => reader.pie(path),
            (Kind::RunProgramTask, Some(_), Some(_)) => {
                Err(Failure::bad_input("it has both 'program' and 'path'"))
            }
            (Kind::RunProgramTask, Some(program), None) => {
                reader.program(program.to_string().as_bytes(), input)
            }
            (Kind::RunProgramTask, None, Some(path)) => {
                let pie = reader.program(&read(path)?, input);
                pie.map_err(|failure| in_file(path, &failure))
            }
            (Kind::Cairo1Executable, _, Some(path)) => reader.executable_file(path, &self.arguments()?),
            (Kind::CairoPiePath | Kind::Cairo1Executable, _, None) => Err(lacks("'path'")),
            (Kind::RunProgramTask, None, None) => Err(lacks("'program' or 'path'")),
        }
    }
}
