//! Detects input files of the wrong kind; the message says what the file is and how to use it.

use crate::cli::failure::Failure;
use quarry_prover_core::file_kind::{self, FileKind};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Rejects a file that is recognised as another kind. A file that cannot be read passes, and so does a pipe, which
/// cannot be read twice: the reader reports their errors.
pub fn expect(path: &Path, expected: FileKind) -> Result<(), Failure> {
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let Some(file) = File::open(path).ok().filter(|_| is_file) else {
        return Ok(());
    };
    file_kind::expect(BufReader::new(file), expected)
        .map_err(|wrong| Failure::bad_input(format!("'{}': {wrong}", path.display())))
}

/// Replaces a parse error by one that names the file's actual kind: `result.or_wrong_kind(path, kind)?`.
pub trait OrWrongKind {
    /// On an error, returns that the file is of another kind, if it is recognised as one.
    fn or_wrong_kind(self, path: &Path, expected: FileKind) -> Self;
}

impl<T> OrWrongKind for Result<T, Failure> {
    fn or_wrong_kind(self, path: &Path, expected: FileKind) -> Self {
        self.map_err(|failure| expect(path, expected).err().unwrap_or(failure))
    }
}
