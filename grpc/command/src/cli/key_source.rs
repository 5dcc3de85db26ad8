//! Where a secret key comes from: a file, or the environment.

use crate::cli::failure::{Failure, OrFailure};
use quarry_client::envelope::SecretKey;
use std::path::Path;

/// The environment variable with the text of a secret key, for machines without a disk for it. Flags would show it to
/// every user of the machine.
const VARIABLE: &str = "QUARRY_KEY";

/// The key of this file, or else that of the environment.
pub fn secret_key(file: Option<&Path>) -> Result<SecretKey, Failure> {
    if let Some(file) = file {
        return SecretKey::read(file).or_bad_input();
    }
    let missing = || Failure::bad_input(format!("no key: name its file, or set {VARIABLE} to its text"));
    key_of_environment()?.ok_or_else(missing)
}

/// The key of the environment, if it has one.
pub fn key_of_environment() -> Result<Option<SecretKey>, Failure> {
    let Some(text) = std::env::var_os(VARIABLE) else {
        return Ok(None);
    };
    let parsed = text.to_string_lossy().trim_end().parse();
    // The error does not repeat the text, which may be a key with a slip.
    let key =
        parsed.map_err(|why| Failure::bad_input(format!("the environment variable {VARIABLE}: {why}")))?;
    Ok(Some(key))
}
