//! Whole runs of Cairo 0 programs: from the program's entry to its end.

use super::slots::{CANONICAL_BUILTINS, Slots};
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput};
use quarry_kernels::Felt;

/// How a program compiled in proof mode begins, as (offset, word): `ap += n; call main; jmp rel 0`, where `n` at
/// offset 1 is the number of `main`'s builtins and offset 3 says where `main` is.
const ENTRY: &[(u64, u64)] = &[
    (0, 0x40780017fff7fff),
    (2, 0x1104800180018000),
    (4, 0x10780017fff7fff),
    (5, 0),
];

/// Where a run ends: at the endless loop behind the call of `main`.
const END: u64 = 4;

/// A whole run.
pub struct Whole {
    /// The program: what lies from its beginning up to the two cells below the first frame.
    pub program: Vec<Felt>,
    /// What `main` got and gave back.
    pub slots: Slots,
}

/// Reads a whole run: it begins at the program's entry and ends behind the call of `main`; `main` got the beginning of its
/// builtins' segments and gave their ends back; and the other builtins' segments are empty. StarkWare's verifier in Cairo
/// makes the same checks.
///
/// # Errors
/// Why it is none, in words.
pub fn read(statement: &PublicInput, layout: &Layout, cells: &PublicCells<'_>) -> Result<Whole, String> {
    statement.check_segments(layout).map_err(|why| why.to_string())?;
    let segment = |name| statement.segment(name).map_err(|why| why.to_string());
    let (program, execution) = (segment("program")?, segment("execution")?);
    let (entry, frame) = (program.begin_addr, execution.begin_addr);
    let expect = |address: u64, value: u64, what: &str| {
        let wrong = || format!("address {address} should be {value:#x}, {what}");
        cells.holds(address, value).then_some(()).ok_or_else(wrong)
    };
    for &(offset, word) in ENTRY {
        let address = entry.saturating_add(offset);
        expect(address, word, "as a Cairo 0 program in proof mode begins")?;
    }
    let end = entry.saturating_add(END);
    if program.stop_ptr != end {
        let stop = program.stop_ptr;
        return Err(format!("it stops at pc {stop}, the program ends at {end}"));
    }
    expect(frame.saturating_sub(2), frame, "the first frame's pointer")?;
    expect(frame.saturating_sub(1), 0, "the first frame's return address")?;
    let count = entry.saturating_add(1);
    let n = (0..=CANONICAL_BUILTINS.len()).find(|&n| cells.holds(count, n as u64));
    let n = n.ok_or_else(|| format!("address {count} is no number of builtins"))?;
    let program = cells.range(entry, frame.saturating_sub(2));
    Ok(Whole {
        program: program.map_err(|why| why.to_string())?,
        slots: Slots::read(statement, layout, cells, n)?,
    })
}
