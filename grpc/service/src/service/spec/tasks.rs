//! Checks the tasks of a job.

use super::{Refused, short};
use crate::child::tasks::{hash_function, hash_function_of_task};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{TaskInput, TasksInput};
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
    short("tasks: program_hash_function", &input.program_hash_function)?;
    short("tasks: expected_bootloader_hash", &input.expected_bootloader_hash)?;
    short("tasks: bootloader_name", &input.bootloader_name)?;
    if let Err(why) = Bootloader::by_name(&input.bootloader_name) {
        return refuse(format!("bootloader_name: {why}"));
    }
    if input.bootloader.is_some() && !input.bootloader_name.is_empty() {
        return refuse("bootloader_name and bootloader exclude each other".to_owned());
    }
    if let Err(why) = hash_function(&input.program_hash_function) {
        return refuse(format!("program_hash_function: {why}"));
    }
    let expected = &input.expected_bootloader_hash;
    if !expected.is_empty() && from_hex(expected).is_none() {
        return refuse(format!(
            "expected_bootloader_hash: '{expected}' is not a field element (0x..)"
        ));
    }
    Ok(())
}

/// Rejects a task that no service could read. The error says why.
fn check_task(task: &TaskInput) -> Result<(), String> {
    let is_there = match &task.task {
        Some(Task::Pie(_)) => Ok(()),
        Some(Task::Program(task)) => task.program.as_ref().map(|_| ()).ok_or("program"),
        Some(Task::Executable(task)) => task.executable.as_ref().map(|_| ()).ok_or("executable"),
        // A kind that this service does not know reads as none.
        None => {
            let known = "pie, program or executable is required";
            return Err(format!("is of no kind that this service knows: {known}"));
        }
    };
    is_there.map_err(|file| format!("has no file: {file} is required"))?;
    hash_function_of_task(&task.program_hash_function)
        .map_err(|why| format!("has a wrong program_hash_function: {why}"))?;
    Ok(())
}
