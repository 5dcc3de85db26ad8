//! Files of another kind than was expected: what they are, and the way.

use crate::cli::failure::Failure;
use quarry_prover_core::file_kind::{self, FileKind};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Refuses a file that is known to be of another kind. What cannot be read, or not twice, passes: its reader says so.
pub fn expect(path: &Path, expected: FileKind) -> Result<(), Failure> {
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let Some(file) = File::open(path).ok().filter(|_| is_file) else {
        return Ok(());
    };
    file_kind::expect(BufReader::new(file), expected)
        .map_err(|wrong| Failure::bad_input(format!("'{}': {wrong}", path.display())))
}

/// Says what a file is that could not be read as what was expected: `result.or_wrong_kind(path, kind)?`.
pub trait OrWrongKind {
    /// If the file is of another kind, that is the failure.
    fn or_wrong_kind(self, path: &Path, expected: FileKind) -> Self;
}

impl<T> OrWrongKind for Result<T, Failure> {
    fn or_wrong_kind(self, path: &Path, expected: FileKind) -> Self {
        self.map_err(|failure| expect(path, expected).err().unwrap_or(failure))
    }
}
