//! Reads the tasks of a job, within limits, and the bootloader that runs them.

use super::prepare::{Files, refused};
use super::task_reader::TaskReader;
pub use super::task_reader::hash_function as hash_function_of_task;
use crate::failure::chain;
use crate::job::BOOTLOADER;
use quarry_client::protocol::{ArtifactRef, Failure, FailureClass, Limits, TasksInput};
use quarry_kernels::Felt;
use quarry_kernels::felt::{from_hex, to_standard_bytes};
use quarry_prover_core::cairo::runner::{RunError, RunOptions};
use quarry_tasks::bootloader::{Bootloader, HashFunction, Tasks};
use std::fmt::Display;

/// The name of the choice of the cheaper hash function.
const AUTO: &str = "auto";

/// The code of a bootloader with another hash than the expected one.
const BOOTLOADER_HASH: &str = "input.bootloader.hash";

/// The hash function of this name, `None` for the cheaper one. The error says which names there are.
pub fn hash_function(name: &str) -> Result<Option<HashFunction>, String> {
    match (name, HashFunction::by_name(name)) {
        ("" | AUTO, _) => Ok(None),
        (_, Some(function)) => Ok(Some(function)),
        (name, None) => Err(format!("'{name}' is none of {AUTO}, {}", HashFunction::names())),
    }
}

impl Files<'_> {
    /// Reads the tasks and their bootloader. Runs those that are no PIEs.
    pub(super) fn tasks(
        &self,
        input: &TasksInput,
        options: RunOptions,
        limits: &Limits,
    ) -> Result<Tasks, Failure> {
        let hash_function = hash_function(&input.program_hash_function).map_err(unreadable)?;
        let expected_hash = expected_hash(&input.expected_bootloader_hash, BOOTLOADER_HASH)?;
        let bootloader = self.bootloader(BOOTLOADER, input.bootloader.as_ref(), &input.bootloader_name)?;
        let mut reader = TaskReader::new(self, options, limits);
        let tasks = input.tasks.iter().enumerate().map(|(n, task)| {
            reader.read(task).map_err(|failure| Failure {
                message: format!("task {n}: {}", failure.message),
                ..failure
            })
        });
        Ok(Tasks::of(tasks.collect::<Result<_, _>>()?)
            .under(bootloader)
            .expecting(expected_hash.as_ref().map(to_standard_bytes))
            .hashed_by(hash_function)
            .on_pages(input.continuous_pages))
    }

    /// The bootloader in a file, or the one of this name.
    pub(super) fn bootloader(
        &self,
        role: &str,
        file: Option<&ArtifactRef>,
        name: &str,
    ) -> Result<Bootloader, Failure> {
        match file {
            Some(file) => Ok(Bootloader::Own(self.bytes(role, Some(file))?)),
            None => Bootloader::by_name(name).map_err(unreadable),
        }
    }
}

/// The failure for a specification that no service of this version accepts.
pub(super) fn unreadable(why: impl Display) -> Failure {
    refused(FailureClass::InputInvalid, "spec.input", why)
}

/// The failure for PIEs with too many bytes.
pub fn too_large(why: impl Display) -> Failure {
    refused(FailureClass::Resource, "limits.max_pie_bytes", why)
}

/// The program hash that a bootloader or a Cairo verifier must have; none if the text is empty. The code is that of
/// another hash.
pub(super) fn expected_hash(text: &str, code: &str) -> Result<Option<Felt>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let hash = from_hex(text).ok_or_else(|| {
        let why = format!("the expected hash '{text}' is not a field element (0x..)");
        refused(FailureClass::InputInvalid, code, why)
    })?;
    Ok(Some(hash))
}

/// The failure of a run of tasks.
pub fn run_failed(error: &RunError) -> Failure {
    use FailureClass::{InputInvalid, Resource, Unsupported};
    let (class, code) = match error {
        RunError::Memory(_) => (Resource, "limits.memory"),
        RunError::StepLimit(_) | RunError::TooLarge(_) => (Resource, "limits.max_steps"),
        RunError::MissingBuiltinOfTasks { .. } | RunError::Layout(_) => (Unsupported, "input.layout"),
        RunError::DynamicParam(_) => (InputInvalid, "input.layout"),
        RunError::BootloaderHash { .. } => (InputInvalid, BOOTLOADER_HASH),
        RunError::Opcode { .. } => (Unsupported, "input.opcode"),
        RunError::BootloaderHint { .. } => (Unsupported, "input.bootloader.hint"),
        RunError::Kind(_)
        | RunError::Program(_)
        | RunError::NotProofMode(_)
        | RunError::NotABootloader(_) => {
            let message = format!("{BOOTLOADER}: {}", chain(error));
            return refused(InputInvalid, "input.bootloader.program", message);
        }
        _ => (InputInvalid, "input.task.run"),
    };
    refused(class, code, chain(error))
}
