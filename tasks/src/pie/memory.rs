//! `memory.bin`: the cells, in any order.
//!
//! A cell has 40 bytes, little endian: 8 bytes of a coded address, and 32 bytes of a value, which is a field element or
//! a coded address. A coded address has, from the highest bit: a 1, 16 bits of the segment, 47 bits of the offset.

use super::archive::{Archive, damaged};
use super::error::{Entry, PieError};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::MaybeRelocatable;
use cairo_vm::vm::runners::cairo_pie::{CairoPieMemory, CairoPieMetadata, SegmentInfo};
use std::io::{BufReader, Read};

const ADDRESS_BYTES: usize = 8;
const CELL_BYTES: usize = 40;
const OFFSET_BITS: u32 = 47;
const FLAG: u64 = 1 << 63;

/// How many cells the segments may have for each cell that is there, and beside them. A run leaves few cells empty, and
/// the machine takes memory for the empty ones too.
const MAX_CLAIM: (usize, usize) = (4, 1 << 16);

/// The prime, as 64-bit words from the lowest.
const PRIME_WORDS: [u64; 4] = [1, 0, 0, (1 << 59) + 17];

/// Reads the memory. Each cell lies in a segment of the metadata and is there once.
pub(super) fn read(archive: &Archive<'_>, metadata: &CairoPieMetadata) -> Result<CairoPieMemory, PieError> {
    let sizes: Vec<usize> = segments(metadata).map(|segment| segment.size).collect();
    let n_cells: usize = sizes.iter().sum();
    let most = (n_cells as u64).saturating_mul(CELL_BYTES as u64);
    let mut bytes = BufReader::new(archive.expand(Entry::Memory, most)?);
    let mut seen = Seen::new(&sizes);
    let mut cells = Vec::new();
    while let Some(bytes) = next_cell(&mut bytes, cells.len())? {
        let (address, value) = bytes.split_at(ADDRESS_BYTES);
        let code = word(address);
        let cell = cells.len();
        let wrong = |why: String| PieError::Address {
            cell,
            address: code,
            why,
        };
        let (segment, offset) =
            address_of(code).ok_or_else(|| wrong("the highest bit is not set".to_owned()))?;
        seen.insert(segment, offset).map_err(wrong)?;
        let value = value_of(value, sizes.len()).map_err(|why| PieError::Value { segment, offset, why })?;
        cells.push(((segment, offset), value));
    }
    check_claim(n_cells, cells.len())?;
    Ok(CairoPieMemory(cells))
}

/// Checks that the segments are not far larger than what lies in them.
fn check_claim(claimed: usize, found: usize) -> Result<(), PieError> {
    let (times, more) = MAX_CLAIM;
    let most = found.saturating_mul(times).saturating_add(more);
    match claimed <= most {
        true => Ok(()),
        false => Err(PieError::EmptyCells { claimed, found, most }),
    }
}

/// All segments of a PIE, in the order of their indices.
pub(super) fn segments(metadata: &CairoPieMetadata) -> impl Iterator<Item = &SegmentInfo> {
    let builtins = metadata.program.builtins.iter();
    [&metadata.program_segment, &metadata.execution_segment]
        .into_iter()
        .chain(builtins.filter_map(|builtin| metadata.builtin_segments.get(builtin)))
        .chain([&metadata.ret_fp_segment, &metadata.ret_pc_segment])
        .chain(&metadata.extra_segments)
}

/// The next cell; `None` at the end of the file, whose size and checksum are then right.
fn next_cell(bytes: &mut impl Read, cell: usize) -> Result<Option<[u8; CELL_BYTES]>, PieError> {
    let mut next = [0; CELL_BYTES];
    let mut filled = 0;
    while filled < CELL_BYTES {
        match bytes
            .read(&mut next[filled..])
            .map_err(|why| damaged(Entry::Memory, &why))?
        {
            0 if filled == 0 => return Ok(None),
            0 => return Err(PieError::TornCell { cell }),
            n => filled += n,
        }
    }
    Ok(Some(next))
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The segment and the offset of a coded address.
fn address_of(code: u64) -> Option<(usize, usize)> {
    let offset = code & ((1 << OFFSET_BITS) - 1);
    let segment = (code & !FLAG) >> OFFSET_BITS;
    (code & FLAG != 0).then_some((segment as usize, offset as usize))
}

fn value_of(bytes: &[u8], n_segments: usize) -> Result<MaybeRelocatable, String> {
    let mut words = [0; 4];
    for (word_of, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
        *word_of = word(bytes);
    }
    if words[3] & FLAG == 0 {
        return match words.iter().rev().lt(PRIME_WORDS.iter().rev()) {
            true => Ok(Felt252::from_bytes_le_slice(bytes).into()),
            false => Err("has a value that is not below the prime".to_owned()),
        };
    }
    // The highest bit of the value is the flag, and the address has no flag of its own.
    if words[3] != FLAG || words[2] != 0 || words[1] != 0 || words[0] & FLAG != 0 {
        return Err("has neither a field element nor an address".to_owned());
    }
    match address_of(words[0] | FLAG) {
        Some((segment, offset)) if segment < n_segments => {
            Ok(MaybeRelocatable::from((segment.cast_signed(), offset)))
        }
        _ => Err(format!(
            "points to segment {}; there are {n_segments}",
            words[0] >> OFFSET_BITS
        )),
    }
}

/// Which cells have been read, a bit each.
struct Seen<'a> {
    sizes: &'a [usize],
    /// The bit of each segment's first cell.
    starts: Vec<usize>,
    bits: Vec<u64>,
}

impl<'a> Seen<'a> {
    fn new(sizes: &'a [usize]) -> Self {
        let mut n_cells = 0;
        let starts = sizes.iter().map(|size| {
            n_cells += size;
            n_cells - size
        });
        let starts = starts.collect();
        let bits = vec![0; n_cells.div_ceil(64)];
        Self { sizes, starts, bits }
    }

    /// Marks a cell. The error says why it cannot be there.
    fn insert(&mut self, segment: usize, offset: usize) -> Result<(), String> {
        let Some(size) = self.sizes.get(segment) else {
            return Err(format!(
                "there are {} segments, not segment {segment}",
                self.sizes.len()
            ));
        };
        if offset >= *size {
            return Err(format!("segment {segment} has {size} cells, not offset {offset}"));
        }
        let at = self.starts[segment] + offset;
        let (word, bit) = (&mut self.bits[at / 64], 1 << (at % 64));
        if *word & bit != 0 {
            return Err(format!("{segment}:{offset} is there twice"));
        }
        *word |= bit;
        Ok(())
    }
}
