//! Reads the tasks of a job, within limits, and the bootloader that runs them.

use super::prepare::{Files, refused, unusable};
use crate::failure::chain;
use crate::job::{BOOTLOADER, PIE};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{ArtifactRef, Failure, FailureClass, Limits, TasksInput};
use quarry_kernels::felt::{from_hex, to_standard_bytes};
use quarry_prover_core::cairo::runner::RunError;
use quarry_tasks::bootloader::{Bootloader, HashFunction, Tasks};
use quarry_tasks::pie::{self, CairoPie, PieError, PieLimits};
use std::fmt::Display;
use std::fs;

/// The name of the choice of the cheaper hash function.
const AUTO: &str = "auto";

/// The code of a bootloader with another hash than the expected one.
const BOOTLOADER_HASH: &str = "input.bootloader.hash";

/// The hash function of this name, `None` for the cheaper one. The error says which names there are.
pub fn hash_function(name: &str) -> Result<Option<HashFunction>, String> {
    let mut known = HashFunction::ALL.into_iter();
    match (name, known.find(|function| function.name() == name)) {
        ("" | AUTO, _) => Ok(None),
        (_, Some(function)) => Ok(Some(function)),
        (name, None) => {
            let known = HashFunction::ALL.map(HashFunction::name).join(", ");
            Err(format!("'{name}' is none of {AUTO}, {known}"))
        }
    }
}

impl Files<'_> {
    /// Reads the tasks and their bootloader.
    pub(super) fn tasks(&self, input: &TasksInput, limits: &Limits) -> Result<Tasks, Failure> {
        let named = |error| refused(FailureClass::InputInvalid, "spec.input", error);
        let hash_function = hash_function(&input.program_hash_function).map_err(named)?;
        let bootloader = input.bootloader.as_ref();
        let bootloader = bootloader.map(|file| self.bytes(BOOTLOADER, Some(file)));
        // The limits are for all PIEs of the job together.
        let mut cells_left = or_none(limits.max_pie_cells);
        let mut pies = Vec::new();
        for (n, task) in input.tasks.iter().enumerate() {
            let Some(Task::Pie(file)) = &task.task else {
                return Err(named(format!("task {n} has no kind that this service knows")));
            };
            let of_task = |failure: Failure| Failure {
                message: format!("task {n}: {}", failure.message),
                ..failure
            };
            let pie = self.pie(file, cells_left, limits).map_err(of_task)?;
            cells_left = cells_left.saturating_sub(pie::n_cells(&pie));
            pies.push(pie);
        }
        let bootloader = match bootloader.transpose()? {
            Some(program) => Bootloader::Own(program),
            None => Bootloader::by_name(&input.bootloader_name).map_err(named)?,
        };
        Ok(Tasks::new(pies)
            .under(bootloader)
            .expecting(expected_hash(&input.expected_bootloader_hash)?)
            .hashed_by(hash_function))
    }

    fn pie(&self, file: &ArtifactRef, cells_left: usize, limits: &Limits) -> Result<CairoPie, Failure> {
        let bytes = self.bytes(PIE, Some(file))?;
        let pie_limits = PieLimits {
            max_bytes: or_none(limits.max_pie_bytes),
            max_cells: cells_left,
        };
        pie::read(&bytes, &pie_limits).map_err(|error| pie_refused(&error, limits))
    }

    fn bytes(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<Vec<u8>, Failure> {
        fs::read(self.path(name, artifact)?).map_err(unusable)
    }
}

/// A limit as a size; 0 is none.
fn or_none(limit: u64) -> usize {
    match limit {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

/// The failure for a file that is no PIE, or that exceeds a limit. Its code is that of the library, which has one for
/// each defect.
fn pie_refused(error: &PieError, limits: &Limits) -> Failure {
    let class = match error {
        PieError::TooLarge { .. } => return too_large(error),
        PieError::TooManyCells { .. } => {
            let most = limits.max_pie_cells;
            let message = format!("{error}: the PIEs of a job have at most {most} (max_pie_cells)");
            return refused(FailureClass::Resource, "limits.max_pie_cells", message);
        }
        PieError::Version(_) | PieError::Compression { .. } => FailureClass::Unsupported,
        _ => FailureClass::InputInvalid,
    };
    refused(class, &format!("input.{}", error.code()), error)
}

/// The failure for PIEs with too many bytes.
pub fn too_large(why: impl Display) -> Failure {
    refused(FailureClass::Resource, "limits.max_pie_bytes", why)
}

/// The program hash that the bootloader must have; none if the text is empty.
fn expected_hash(text: &str) -> Result<Option<[u8; 32]>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let hash = from_hex(text).ok_or_else(|| {
        let why = format!("expected_bootloader_hash: '{text}' is not a field element (0x..)");
        refused(FailureClass::InputInvalid, BOOTLOADER_HASH, why)
    })?;
    Ok(Some(to_standard_bytes(&hash)))
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
