//! `additional_data.json`: what builtins need beside the memory.
//!
//! Only the signatures are of use. What the others have there (the pages of the output, and addresses that were
//! verified, in one form or another) is skipped.

use super::archive::Archive;
use super::bounded::{AtMost, JsonFelt};
use super::error::{Entry, PieError};
use cairo_vm::Felt252;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::cairo_pie::{BuiltinAdditionalData, CairoPieAdditionalData, CairoPieMetadata};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Maximum number of signatures.
const MAX_SIGNATURES: usize = 1 << 16;

#[derive(Deserialize)]
struct AdditionalData {
    ecdsa_builtin: Option<AtMost<Signature, MAX_SIGNATURES>>,
}

/// An address, and `r` and `s`.
type Signature = ((u64, u64), (JsonFelt, JsonFelt));

/// Reads the additional data.
pub(super) fn read(
    archive: &Archive<'_>,
    metadata: &CairoPieMetadata,
) -> Result<CairoPieAdditionalData, PieError> {
    let data: AdditionalData = archive.json(Entry::AdditionalData)?;
    let mut kept = BTreeMap::new();
    if let Some(signatures) = data.ecdsa_builtin {
        let signatures = signatures.0.into_iter().map(|it| signature(it, metadata));
        let signatures = signatures.collect::<Result<_, _>>()?;
        kept.insert(BuiltinName::ecdsa, BuiltinAdditionalData::Signature(signatures));
    }
    Ok(CairoPieAdditionalData(kept))
}

fn signature(
    ((segment, offset), (r, s)): Signature,
    metadata: &CairoPieMetadata,
) -> Result<(Relocatable, (Felt252, Felt252)), PieError> {
    let ecdsa = metadata.builtin_segments.get(&BuiltinName::ecdsa);
    // An instance has two cells, and the signature belongs to the first.
    let is_even = offset.is_multiple_of(2);
    let is_in = ecdsa.filter(|ecdsa| is_even && segment == ecdsa.index as u64 && offset < ecdsa.size as u64);
    match is_in {
        Some(ecdsa) => Ok((Relocatable::from((ecdsa.index, offset as usize)), (r.0, s.0))),
        None => Err(PieError::Signature { segment, offset }),
    }
}
