//! The values of `--bootloader` and `--program-hash-function`.

use crate::cli::failure::{Failure, Kind};
use crate::cli::source;
use crate::cli::task_reader::in_file;
use quarry_prover_core::cairo::runner::RunError;
use quarry_prover_core::choice::ChoiceError;
use quarry_tasks::bootloader::{BOOTLOADERS, Bootloader, HashFunction};
use std::path::Path;

/// The default of `--bootloader`.
pub const DEFAULT: &str = "layout";
/// The one for a proof that is to be wrapped: Cairo verifiers want all builtins, and each word costs them.
pub const FOR_WRAPPING: &str = "short";

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

/// The failure of a run under the bootloader that the value names. It names the file if that is at fault.
pub fn failure(value: &Path, error: &ChoiceError) -> Failure {
    let failure = Failure::from_error(Kind::BadInput, error);
    match (own_file(value), error) {
        (
            Some(path),
            ChoiceError::Run(
                RunError::Kind(_)
                | RunError::Program(_)
                | RunError::NotProofMode(_)
                | RunError::NotABootloader(_)
                | RunError::NoPages
                | RunError::BootloaderHash { .. }
                | RunError::BootloaderHint { .. },
            ),
        ) => in_file(path, &failure),
        _ => failure,
    }
}

/// A hash function, or `None` for the cheapest. (As a type of its own, because clap takes `Option` for an option that may
/// be left out.)
#[derive(Clone, Copy, Debug)]
pub struct HashChoice(pub Option<HashFunction>);

/// Parses a value of `--program-hash-function`.
pub fn parse_hash_function(name: &str) -> Result<HashChoice, String> {
    let mut known = HashFunction::ALL.into_iter();
    match known.find(|function| function.name() == name) {
        None if name != "auto" => Err("expected one of auto, pedersen, poseidon".to_owned()),
        function => Ok(HashChoice(function)),
    }
}
