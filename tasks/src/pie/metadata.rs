//! `metadata.json`: the program and the segments of the memory.

use super::archive::Archive;
use super::bounded::{AtMost, JsonFelt, PRIME};
use super::error::{Entry, PieError};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_pie::{CairoPieMetadata, SegmentInfo, StrippedProgram};
use serde::Deserialize;
use serde_json::Number;
use std::collections::BTreeMap;

/// The builtins that bootloaders know, in their order.
pub const BUILTINS: [BuiltinName; 11] = [
    BuiltinName::output,
    BuiltinName::pedersen,
    BuiltinName::range_check,
    BuiltinName::ecdsa,
    BuiltinName::bitwise,
    BuiltinName::ec_op,
    BuiltinName::keccak,
    BuiltinName::poseidon,
    BuiltinName::range_check96,
    BuiltinName::add_mod,
    BuiltinName::mul_mod,
];

/// Maximum number of words of a program.
const MAX_PROGRAM: usize = 1 << 20;
/// Maximum number of segments beside those that every run has: a coded address has 16 bits for the segment.
const MAX_EXTRA_SEGMENTS: usize = 1 << 16;

#[derive(Deserialize)]
struct Metadata {
    program: Program,
    program_segment: Segment,
    execution_segment: Segment,
    ret_fp_segment: Segment,
    ret_pc_segment: Segment,
    builtin_segments: BTreeMap<String, Segment>,
    extra_segments: AtMost<Segment, MAX_EXTRA_SEGMENTS>,
}

#[derive(Deserialize)]
struct Program {
    prime: Number,
    data: AtMost<JsonFelt, MAX_PROGRAM>,
    builtins: AtMost<String, { BUILTINS.len() }>,
    main: usize,
}

#[derive(Clone, Copy, Deserialize)]
struct Segment {
    index: u64,
    size: u64,
}

/// Reads the metadata. The segments have at most `max_cells` cells together.
pub(super) fn read(archive: &Archive<'_>, max_cells: usize) -> Result<CairoPieMetadata, PieError> {
    let metadata: Metadata = archive.json(Entry::Metadata)?;
    let builtins = builtins(&metadata.program)?;
    let program = metadata.program;
    let size = program.data.0.len();
    if program.prime.as_str() != PRIME {
        return Err(PieError::Prime(program.prime.to_string()));
    }
    if program.main >= size {
        let main = program.main;
        return Err(PieError::Main { main, size });
    }
    let mut segments = Segments {
        next: 0,
        cells: 0,
        max_cells,
    };
    let program_segment = segments.take("the program segment", metadata.program_segment, Some(size))?;
    let execution_segment = segments.take("the execution segment", metadata.execution_segment, None)?;
    let builtin_segments = segments.take_builtins(&builtins, &metadata.builtin_segments)?;
    let ret_fp_segment = segments.take("ret_fp_segment", metadata.ret_fp_segment, Some(0))?;
    let ret_pc_segment = segments.take("ret_pc_segment", metadata.ret_pc_segment, Some(0))?;
    let extra_segments = metadata.extra_segments.0.into_iter().enumerate();
    let extra_segments =
        extra_segments.map(|(i, it)| segments.take(&format!("extra_segments[{i}]"), it, None));
    Ok(CairoPieMetadata {
        extra_segments: extra_segments.collect::<Result<_, _>>()?,
        program: StrippedProgram {
            data: program.data.0.into_iter().map(|felt| felt.0.into()).collect(),
            builtins,
            main: program.main,
            prime: (),
        },
        program_segment,
        execution_segment,
        ret_fp_segment,
        ret_pc_segment,
        builtin_segments,
    })
}

/// The builtins of the program, which must be in the order of bootloaders.
fn builtins(program: &Program) -> Result<Vec<BuiltinName>, PieError> {
    let mut left = BUILTINS.iter();
    let place = |name: &String| {
        let known = left.find(|builtin| builtin.to_str() == name);
        known.copied().ok_or_else(|| {
            let names: Vec<_> = BUILTINS.iter().map(|builtin| builtin.to_str()).collect();
            PieError::Builtins(format!(
                "the builtin '{name}' is unknown or not in the order of bootloaders: {}",
                names.join(", ")
            ))
        })
    };
    program.builtins.0.iter().map(place).collect()
}

/// Takes one segment after the other, in the order in which their indices count.
struct Segments {
    next: usize,
    cells: usize,
    max_cells: usize,
}

impl Segments {
    fn take(&mut self, name: &str, segment: Segment, size: Option<usize>) -> Result<SegmentInfo, PieError> {
        let Segment { index, size: stated } = segment;
        if index != self.next as u64 {
            return Err(PieError::SegmentIndex {
                segment: name.to_owned(),
                index,
                expected: self.next,
            });
        }
        if let Some(expected) = size.filter(|expected| stated != *expected as u64) {
            return Err(PieError::SegmentSize {
                segment: name.to_owned(),
                size: stated,
                expected,
            });
        }
        let most = self.max_cells;
        let left = most - self.cells;
        let size = usize::try_from(stated).ok().filter(|size| *size <= left);
        let size = size.ok_or(PieError::TooManyCells { most })?;
        let index = self.next.cast_signed();
        self.next += 1;
        self.cells += size;
        Ok(SegmentInfo { index, size })
    }

    fn take_builtins(
        &mut self,
        builtins: &[BuiltinName],
        segments: &BTreeMap<String, Segment>,
    ) -> Result<BTreeMap<BuiltinName, SegmentInfo>, PieError> {
        let is_used = |name: &String| builtins.iter().any(|builtin| builtin.to_str() == name);
        if let Some(name) = segments.keys().find(|name| !is_used(name)) {
            let why = format!("builtin_segments has '{name}', which is no builtin of the program");
            return Err(PieError::Builtins(why));
        }
        let take = |builtin: &BuiltinName| {
            let name = builtin.to_str();
            let segment = segments.get(name).ok_or_else(|| {
                PieError::Builtins(format!("builtin_segments lacks '{name}', which the program uses"))
            })?;
            let taken = self.take(&format!("the segment of {name}"), *segment, None)?;
            Ok((*builtin, taken))
        };
        builtins.iter().map(take).collect()
    }
}
