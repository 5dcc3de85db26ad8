//! Proof files as commands take them: from a file, a pipe, a device or standard input, and never more than is allowed.

use crate::cli::failure::{Failure, OrFailure};
use bytesize::ByteSize;
use quarry_prover_core::proof::ProofFile;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of a proof file that are read unless told otherwise.
pub const DEFAULT_MAX_BYTES: ByteSize = ByteSize::mib(256);

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// How much of a proof file is read.
#[derive(Debug, clap::Args)]
pub struct Limit {
    /// Refuse a proof file of more bytes, such as 1GiB; no more than that is read
    #[arg(long, value_name = "SIZE", default_value_t = DEFAULT_MAX_BYTES)]
    max_bytes: ByteSize,
}

impl Limit {
    /// Reads a proof file.
    pub fn read_proof(&self, path: &Path) -> Result<ProofFile, Failure> {
        let name = name(path);
        let cannot = |why| Failure::bad_input(format!("cannot read {name}: {why}"));
        let bytes = self.read(path).map_err(cannot)?.ok_or_else(|| {
            let ByteSize(most) = self.max_bytes;
            Failure::bad_input(format!(
                "{name} has more than {most} bytes, which is the most that is read; --max-bytes SIZE allows more"
            ))
        })?;
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::bad_input(format!("{name} is not a text file")))?;
        ProofFile::parse(&text)
            .or_bad_input()
            .map_err(|failure| Failure::bad_input(format!("{name}: {failure}")))
    }

    /// The bytes; `None` if there are too many.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        if path == Path::new(STANDARD_INPUT) {
            return self.take(io::stdin().lock());
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() > self.max_bytes.as_u64() {
            return Ok(None);
        }
        self.take(file)
    }

    fn take(&self, from: impl Read) -> io::Result<Option<Vec<u8>>> {
        let most = self.max_bytes.as_u64();
        let mut bytes = Vec::new();
        from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    }
}

/// What a proof file is called in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) {
        return "standard input".to_owned();
    }
    format!("'{}'", path.display())
}
