//! The values of `--bootloader` and `--program-hash-function`.

use crate::cli::failure::{Failure, Kind};
use crate::cli::source;
use crate::cli::task_reader::in_file;
use crate::cli::upload;
use quarry_client::Client;
use quarry_client::protocol::ArtifactRef;
use quarry_prover_core::cairo::runner::RunError;
use quarry_prover_core::choice::ChoiceError;
use quarry_tasks::bootloader::{BOOTLOADERS, Bootloader, HashFunction};
use std::path::Path;

/// The default of `--bootloader`.
pub const DEFAULT: &str = "layout";

/// The value as the file of a bootloader; `None` if it is the name of one that Quarry brings.
pub fn own_file(value: &Path) -> Option<&Path> {
    let is_name = BOOTLOADERS.iter().any(|(name, _)| value == Path::new(name));
    (!is_name).then_some(value)
}

/// The bootloader that the value names.
pub fn read(value: &Path) -> Result<Bootloader, Failure> {
    match own_file(value) {
        Some(path) => Ok(Bootloader::Own(source::read(path)?)),
        None => Bootloader::by_name(&value.to_string_lossy()).map_err(Failure::bad_input),
    }
}

/// Uploads the file of a bootloader. The text is the name of one that Quarry brings, if the value is no file.
pub async fn upload(client: &mut Client, value: &Path) -> Result<(Option<ArtifactRef>, String), Failure> {
    let file = upload::file(client, own_file(value)).await?;
    let name = match file {
        Some(_) => String::new(),
        None => value.to_string_lossy().into_owned(),
    };
    Ok((file, name))
}

/// The failure of a run under the bootloader that the value names. It names the file if that is at fault.
pub fn failure(value: &Path, error: &ChoiceError) -> Failure {
    let failure = Failure::from_error(Kind::BadInput, error);
    match error {
        ChoiceError::Run(error) if is_at_fault(error) => named(value, failure),
        _ => failure,
    }
}

/// Names the file of the bootloader, if the value is one.
pub fn named(value: &Path, failure: Failure) -> Failure {
    match own_file(value) {
        Some(path) => in_file(path, &failure),
        None => failure,
    }
}

/// Whether a run failed because of its bootloader.
fn is_at_fault(error: &RunError) -> bool {
    matches!(
        error,
        RunError::Kind(_)
            | RunError::Program(_)
            | RunError::NotProofMode(_)
            | RunError::NotABootloader(_)
            | RunError::NoPages
            | RunError::BootloaderHash { .. }
            | RunError::BootloaderHint { .. }
    )
}

/// A hash function, or `None` for the cheapest. (As a type of its own, because clap takes `Option` for an option that may
/// be left out.)
#[derive(Clone, Copy, Debug)]
pub struct HashChoice(pub Option<HashFunction>);

/// Parses a value of `--program-hash-function`.
pub fn parse_hash_function(name: &str) -> Result<HashChoice, String> {
    match HashFunction::by_name(name) {
        None if name != "auto" => Err(format!("expected one of auto, {}", HashFunction::names())),
        function => Ok(HashChoice(function)),
    }
}
