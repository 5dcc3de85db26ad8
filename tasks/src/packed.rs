//! Resources that are compressed.

use flate2::bufread::GzDecoder;
use std::io::Read;

/// Expands a file of this crate that gzip made. Tests expand all of them.
pub(crate) fn unpack(packed: &'static [u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let expanded = GzDecoder::new(packed).read_to_end(&mut file);
    expanded.expect("a file of this crate");
    file
}
