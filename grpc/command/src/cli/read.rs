//! Reads proof files, and other files of strangers, from a file, a pipe, a device or standard input, up to a limit on
//! their size.

use crate::cli::failure::{Failure, OrFailure};
use bytesize::ByteSize;
use quarry_prover_core::file_kind::{self, FileKind};
use quarry_prover_core::proof::ProofFile;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Default limit on the size of a proof file.
pub const DEFAULT_MAX_BYTES: ByteSize = ByteSize::mib(256);

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// The limit on the size of a proof file.
#[derive(Debug, clap::Args)]
pub struct Limit {
    /// Reject a proof file larger than this, such as 1GiB; no more than that is read
    #[arg(long, value_name = "SIZE", default_value_t = DEFAULT_MAX_BYTES)]
    max_bytes: ByteSize,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }
}

impl Limit {
    /// Reads a proof file.
    pub fn read_proof(&self, path: &Path) -> Result<ProofFile, Failure> {
        parse_proof(&self.read(path)?, path)
    }

    /// Reads the bytes of a file.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        read_at_most(path, self.max_bytes.as_u64())?.ok_or_else(|| {
            let (name, most) = (name(path), self.max_bytes.as_u64());
            Failure::bad_input(format!(
                "{name} is larger than the limit of {most} bytes; raise the limit with --max-bytes SIZE"
            ))
        })
    }
}

/// Parses a proof file.
pub fn parse_proof(bytes: &[u8], path: &Path) -> Result<ProofFile, Failure> {
    let parse = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| Failure::bad_input("not a text file"))?;
        ProofFile::parse(text).or_bad_input()
    };
    parse(bytes).map_err(|failure| {
        let wrong_kind = file_kind::expect(bytes, FileKind::Proof).err();
        let why = wrong_kind.map_or_else(|| failure.to_string(), |wrong| wrong.to_string());
        Failure::bad_input(format!("{}: {why}", name(path)))
    })
}

/// Reads a file; `None` if it has more than `most` bytes.
pub fn read_at_most(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Failure> {
    let read = || {
        if path == Path::new(STANDARD_INPUT) {
            return take(io::stdin().lock(), most);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() > most {
            return Ok(None);
        }
        take(file, most)
    };
    read().map_err(|why: io::Error| Failure::bad_input(format!("cannot read {}: {why}", name(path))))
}

fn take(from: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// The name of a file in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) {
        return "standard input".to_owned();
    }
    format!("'{}'", path.display())
}
