//! Whole runs of Cairo 0 programs: from the program's entry to its end.

use super::slots::{CANONICAL_BUILTINS, Slots};
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput};
use quarry_kernels::Felt;

/// The first words of a program compiled in proof mode, as (offset, word): `ap += n; call main; jmp rel 0`. The
/// immediate `n` is the number of `main`'s builtins; offset 3 holds the relative address of `main`.
pub const ENTRY: &[(u64, u64)] = &[
    (0, 0x40780017fff7fff),
    (2, 0x1104800180018000),
    (4, 0x10780017fff7fff),
    (5, 0),
];

/// The offset of `n`.
pub const N_BUILTINS: u64 = 1;

/// The offset at which a run ends: the endless loop after the call of `main`.
const END: u64 = 4;

/// A whole run.
pub struct Whole {
    /// The program: the cells from its beginning up to the two cells below the first frame.
    pub program: Vec<Felt>,
    /// The builtin pointers that `main` received and returned.
    pub slots: Slots,
}

/// The address at which a whole run begins, which is that of the program. The hash does not cover what lies before it.
const START: u64 = 1;

/// Checks that a run is whole and reads it. It must begin at the program's entry and end after the call of `main`;
/// `main` must have received the beginnings of its builtins' segments and returned their ends; and the segments of all
/// other builtins must be empty. StarkWare's verifier in Cairo makes the same checks.
///
/// # Errors
/// A description of why the run is not whole.
pub fn read(statement: &PublicInput, layout: &Layout, cells: &PublicCells<'_>) -> Result<Whole, String> {
    statement.check_segments(layout).map_err(|why| why.to_string())?;
    let segment = |name| statement.segment(name).map_err(|why| why.to_string());
    let (program, execution) = (segment("program")?, segment("execution")?);
    let (entry, frame) = (program.begin_addr, execution.begin_addr);
    let expect = |address: u64, value: u64, what: &str| {
        let wrong = || format!("address {address} should hold {value:#x}, {what}");
        cells.holds(address, value).then_some(()).ok_or_else(wrong)
    };
    if entry != START {
        return Err(format!("it begins at pc {entry}, not at {START}"));
    }
    for &(offset, word) in ENTRY {
        let address = entry.saturating_add(offset);
        expect(address, word, "the entry code of a Cairo 0 program in proof mode")?;
    }
    let end = entry.saturating_add(END);
    if program.stop_ptr != end {
        let stop = program.stop_ptr;
        return Err(format!("it stops at pc {stop}, but the program ends at {end}"));
    }
    expect(frame.saturating_sub(2), frame, "the first frame's pointer")?;
    expect(frame.saturating_sub(1), 0, "the first frame's return address")?;
    let count = entry.saturating_add(N_BUILTINS);
    let n = (0..=CANONICAL_BUILTINS.len()).find(|&n| cells.holds(count, n as u64));
    let n = n.ok_or_else(|| format!("address {count} does not hold a number of builtins"))?;
    let program = cells.range(entry, frame.saturating_sub(2));
    Ok(Whole {
        program: program.map_err(|why| why.to_string())?,
        slots: Slots::read(statement, layout, cells, n)?,
    })
}
