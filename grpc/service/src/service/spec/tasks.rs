//! Checks the tasks of a job.

use super::{Refused, short};
use crate::child::tasks::{hash_function, hash_function_of_task};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{ArtifactRef, ExecutableTask, TaskInput, TasksInput};
use quarry_kernels::felt::from_hex;
use quarry_tasks::bootloader::Bootloader;
use tonic::Status;

/// Maximum number of tasks of a job.
const MAX_TASKS: usize = 64;

/// Rejects what no service could run. The files of the tasks are read later.
pub fn check(input: &TasksInput) -> Refused {
    let refuse = |why: String| Err(Status::invalid_argument(format!("tasks: {why}")));
    let n_tasks = input.tasks.len();
    if n_tasks == 0 || n_tasks > MAX_TASKS {
        return refuse(format!("{n_tasks} were given; a job has 1 to {MAX_TASKS}"));
    }
    for (n, task) in input.tasks.iter().enumerate() {
        short("tasks: program_hash_function", &task.program_hash_function)?;
        if let Err(why) = check_task(task) {
            return refuse(format!("task {n} {why}"));
        }
    }
    check_bootloader(&Wanted {
        what: "tasks",
        is_own: input.bootloader.is_some(),
        name: &input.bootloader_name,
        expected_hash: &input.expected_bootloader_hash,
        hash_function: &input.program_hash_function,
    })
}

/// What a job says of a bootloader.
pub struct Wanted<'a> {
    /// The field that has it.
    pub what: &'a str,
    /// Whether it comes with the job.
    pub is_own: bool,
    /// The name of one that Quarry brings.
    pub name: &'a str,
    /// The program hash that it must have.
    pub expected_hash: &'a str,
    /// The hash function of the programs of its tasks.
    pub hash_function: &'a str,
}

/// Rejects a bootloader that no service has.
pub fn check_bootloader(wanted: &Wanted<'_>) -> Refused {
    let Wanted { what, name, .. } = wanted;
    let refuse = |why: String| Err(Status::invalid_argument(format!("{what}: {why}")));
    short(&format!("{what}: program_hash_function"), wanted.hash_function)?;
    short(&format!("{what}: bootloader_name"), name)?;
    if let Err(why) = Bootloader::by_name(name) {
        return refuse(format!("bootloader_name: {why}"));
    }
    if wanted.is_own && !name.is_empty() {
        return refuse("bootloader_name and bootloader exclude each other".to_owned());
    }
    if let Err(why) = hash_function(wanted.hash_function) {
        return refuse(format!("program_hash_function: {why}"));
    }
    check_hash(&format!("{what}: expected_bootloader_hash"), wanted.expected_hash)
}

/// Rejects an expected hash that is none; an empty one expects nothing.
pub fn check_hash(what: &str, expected: &str) -> Refused {
    short(what, expected)?;
    if !expected.is_empty() && from_hex(expected).is_none() {
        let why = format!("{what}: '{expected}' is not a field element (0x..)");
        return Err(Status::invalid_argument(why));
    }
    Ok(())
}

/// Rejects an executable without a file. The error says why.
pub fn check_executable(task: &ExecutableTask) -> Result<(), String> {
    has_file("executable", task.executable.as_ref())
}

fn has_file(name: &str, file: Option<&ArtifactRef>) -> Result<(), String> {
    match file {
        Some(_) => Ok(()),
        None => Err(format!("has no file: {name} is required")),
    }
}

/// Rejects a task that no service could read. The error says why.
fn check_task(task: &TaskInput) -> Result<(), String> {
    match &task.task {
        Some(Task::Pie(_)) => Ok(()),
        Some(Task::Program(task)) => has_file("program", task.program.as_ref()),
        Some(Task::Executable(task)) => check_executable(task),
        // A kind that this service does not know reads as none.
        None => {
            let known = "pie, program or executable is required";
            Err(format!("is of no kind that this service knows: {known}"))
        }
    }?;
    hash_function_of_task(&task.program_hash_function)
        .map_err(|why| format!("has a wrong program_hash_function: {why}"))?;
    Ok(())
}
