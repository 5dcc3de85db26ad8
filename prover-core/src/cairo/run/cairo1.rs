//! Recognizes runs of Cairo 1 programs produced by `cairo1-run`.
//!
//! Their entry code calls `main` without a preceding `ap += n`, and the pointers of `main`'s builtins lie below the
//! first frame, where they are not public. So the public memory shows neither which builtins `main` received nor where
//! it wrote its output.

use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput};
use quarry_kernels::Felt;

/// The address at which a program begins.
const INITIAL_PC: u64 = 1;

/// The endless loop at which a run ends: the two words of `jmp rel 0`.
const END: [u64; 2] = [0x10780017fff7fff, 0];

/// Returns the cells that are hashed as the program: the main page without the output, which comes last. Returns `None`
/// if the run has another form.
pub fn read(statement: &PublicInput, layout: &Layout, cells: &PublicCells<'_>) -> Option<Vec<Felt>> {
    statement.check_segments(layout).ok()?;
    let program = statement.segment("program").ok()?;
    let [jump, offset] = END;
    let behind = program.stop_ptr.checked_add(1)?;
    let loops = cells.holds(program.stop_ptr, jump) && cells.holds(behind, offset);
    if program.begin_addr != INITIAL_PC || !loops {
        return None;
    }
    let page = &statement.public_memory;
    let output = statement.memory_segments.get("output");
    let output = output.map_or(0..0, |segment| segment.begin_addr..segment.stop_ptr);
    let n_program = page
        .len()
        .checked_sub(usize::try_from(output.end - output.start).ok()?)?;
    let (program, rest) = page.split_at(n_program);
    let is_last = rest.iter().map(|cell| cell.address).eq(output);
    let is_one_page = page.iter().all(|cell| cell.page == 0);
    let is_whole = program
        .iter()
        .map(|cell| cell.address)
        .eq(INITIAL_PC..=program.len() as u64);
    (is_last && is_one_page && is_whole).then(|| program.iter().map(|cell| cell.value).collect())
}
