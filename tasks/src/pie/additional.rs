//! `additional_data.json`: what builtins need beside the memory.
//!
//! The signatures and the pages of the output are of use. What the others have there (addresses that were verified, in
//! one form or another) is skipped.

use super::archive::Archive;
use super::bounded::{AtMost, AtMostKeys, JsonFelt};
use super::error::{Entry, PieError};
use cairo_vm::Felt252;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::cairo_pie::{
    BuiltinAdditionalData, CairoPieAdditionalData, CairoPieMetadata, OutputBuiltinAdditionalData,
    PublicMemoryPage,
};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Maximum number of signatures.
const MAX_SIGNATURES: usize = 1 << 16;
/// Maximum number of pages of the output. SHARP takes fewer than 2^30 in a tree, but has no transaction for so many.
const MAX_PAGES: usize = 1 << 16;
/// Maximum number of numbers in the tree over the pages that are read. SHARP takes fewer: `facts` of the prover says so.
const MAX_TREE_NUMBERS_READ: usize = 64;
/// The attribute of the output that has the tree.
pub const TREE_ATTRIBUTE: &str = "gps_fact_topology";

#[derive(serde::Deserialize)]
struct AdditionalData {
    output_builtin: Option<Output>,
    ecdsa_builtin: Option<AtMost<Signature, MAX_SIGNATURES>>,
}

/// What the output has: its pages, for each the first word and the number of words, and a tree over them. Other
/// attributes are skipped. Some tools write an empty list where there is nothing.
#[derive(Default)]
struct Output {
    pages: BTreeMap<usize, (usize, usize)>,
    tree: Option<Vec<usize>>,
}

impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutputVisitor)
    }
}

struct OutputVisitor;

impl<'de> Visitor<'de> for OutputVisitor {
    type Value = Output;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pages and the attributes of the output")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Output, A::Error> {
        let _: [u8; 0] = Deserialize::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Output::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Output, A::Error> {
        #[derive(serde::Deserialize)]
        struct Data {
            pages: Option<AtMostKeys<usize, (usize, usize), MAX_PAGES>>,
            attributes: Option<Attributes>,
        }
        #[derive(serde::Deserialize)]
        struct Attributes {
            gps_fact_topology: Option<AtMost<usize, MAX_TREE_NUMBERS_READ>>,
        }
        let data = Data::deserialize(MapAccessDeserializer::new(object))?;
        let tree = data
            .attributes
            .and_then(|attributes| attributes.gps_fact_topology);
        Ok(Output {
            pages: data.pages.map(|pages| pages.0).unwrap_or_default(),
            tree: tree.map(|tree| tree.0),
        })
    }
}

impl From<Output> for BuiltinAdditionalData {
    fn from(output: Output) -> Self {
        let page = |(number, (start, size))| (number, PublicMemoryPage { start, size });
        let tree = output
            .tree
            .into_iter()
            .map(|tree| (TREE_ATTRIBUTE.to_owned(), tree));
        Self::Output(OutputBuiltinAdditionalData {
            pages: output.pages.into_iter().map(page).collect(),
            attributes: tree.collect(),
        })
    }
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
    if let Some(output) = data.output_builtin {
        kept.insert(BuiltinName::output, output.into());
    }
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
