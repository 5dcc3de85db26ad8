//! SHA-256 digests, which name artifacts.

use crate::protocol::ArtifactRef;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Bytes per read.
const BLOCK: usize = 1 << 16;

/// Reads to the end; returns the digest and the length.
///
/// # Errors
/// I/O errors of the reader.
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

/// Encodes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes exactly `2 * N` lower-case hexadecimal digits.
pub(crate) fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_digit = |digit: u8| b"0123456789abcdef".contains(&digit);
    if digits.len() != 2 * N || !digits.bytes().all(is_digit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
