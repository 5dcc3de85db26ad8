//! SHA-256, by which files are named.

use crate::protocol::ArtifactRef;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// The digest of what is read, and its length.
///
/// # Errors
/// Those of the reader.
pub fn digest(mut from: impl Read) -> io::Result<ArtifactRef> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    let mut size = 0;
    loop {
        let n = from.read(&mut block)?;
        let Some(read) = block.get(..n).filter(|read| !read.is_empty()) else {
            break;
        };
        hasher.update(read);
        size += n as u64;
    }
    Ok(ArtifactRef {
        sha256: hex(&hasher.finalize()),
        size,
    })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
