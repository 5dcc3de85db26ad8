//! Hexadecimal, as text and as serde writes it.

use quarry_kernels::{Digest, Felt, felt};
use serde::Serializer;

/// Bytes, two digits each.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest, with `0x`.
pub(crate) fn digest(digest: &Digest) -> String {
    format!("0x{}", bytes(digest))
}

/// Writes a field element.
pub(crate) fn write_felt<S: Serializer>(value: &Felt, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&felt::to_hex(value))
}

/// Writes a field element, or null.
pub(crate) fn write_felt_if_any<S: Serializer>(
    value: &Option<Felt>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => write_felt(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a list of field elements.
pub(crate) fn write_felts<S: Serializer>(values: &[Felt], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(felt::to_hex))
}

/// Writes a list of field elements, or null.
pub(crate) fn write_felts_if_any<S: Serializer>(
    values: &Option<Vec<Felt>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => write_felts(values, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a digest, or null.
pub(crate) fn write_digest_if_any<S: Serializer>(
    value: &Option<Digest>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_str(&digest(value)),
        None => serializer.serialize_none(),
    }
}
