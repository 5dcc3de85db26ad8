//! Which cells of public memory the Integrity contracts hash as the program and as the output. Source: Integrity
//! 2.1, `src/air/public_input.cairo`, `src/air/layouts/*/public_input.cairo`.

use super::MemoryVerification;
use crate::cairo::public_input::{PublicInput, PublicInputError, PublicMemoryCell};
use quarry_kernels::Felt;

/// Cells between the program and the frame of `main`.
const CELLS_BEFORE_FRAME: u64 = 2;

/// The first address of the program, in the modes that check it.
const INITIAL_PC: u64 = 1;

/// The cells that the contracts hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedCells {
    /// As the program.
    pub program: Vec<Felt>,
    /// As the output.
    pub output: Vec<Felt>,
}

/// Why the contracts find no program or output in a public memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CellsError {
    /// A segment is missing.
    #[error(transparent)]
    Segment(#[from] PublicInputError),
    /// There are pages other than page 0.
    #[error("Integrity does not accept public memory with continuous pages")]
    Pages,
    /// A segment that ends before it begins.
    #[error("segment '{0}' ends before it begins")]
    Backwards(&'static str),
    /// The program begins at another address.
    #[error("Integrity's mode {} wants the program at address {INITIAL_PC}, it begins at {begin}", mode.name())]
    InitialPc {
        /// The mode.
        mode: MemoryVerification,
        /// Where it begins.
        begin: u64,
    },
    /// The cells are not in the order in which the contracts read them.
    #[error("public_memory: Integrity expects address {expected} next, found {}", found_text(*found))]
    Order {
        /// The expected address.
        expected: u64,
        /// The address found; `None` at the end.
        found: Option<u64>,
    },
    /// The public memory has fewer cells than the output.
    #[error("public_memory has {cells} cells on page 0, but the output segment has {output}")]
    Output {
        /// Cells of page 0.
        cells: usize,
        /// Words of the output segment.
        output: u64,
    },
}

fn found_text(address: Option<u64>) -> String {
    address.map_or("the end".to_owned(), |address| format!("address {address}"))
}

/// The cells that the contracts hash in a mode. (The other checks of the mode are not made here.)
///
/// # Errors
/// [`CellsError`] where the contracts fail to read the public memory.
pub fn hashed_cells(public: &PublicInput, mode: MemoryVerification) -> Result<HashedCells, CellsError> {
    if public.public_memory.iter().any(|cell| cell.page != 0) {
        return Err(CellsError::Pages);
    }
    let begin = public.segment("program")?.begin_addr;
    if mode != MemoryVerification::Relaxed && begin != INITIAL_PC {
        return Err(CellsError::InitialPc { mode, begin });
    }
    match mode {
        MemoryVerification::Strict | MemoryVerification::Relaxed => by_segments(public, begin),
        MemoryVerification::Cairo1 => up_to_output(public),
    }
}

/// The program up to the frame of `main`, and the output segment.
fn by_segments(public: &PublicInput, begin: u64) -> Result<HashedCells, CellsError> {
    let output = public.segment("output")?;
    let frame = public.segment("execution")?.begin_addr;
    let end = frame.checked_sub(CELLS_BEFORE_FRAME).filter(|&end| end >= begin);
    let end = end.ok_or(CellsError::Backwards("program"))?;
    let mut cells = public.public_memory.iter().peekable();
    let program = take(&mut cells, begin, end)?;
    while cells.next_if(|cell| cell.address < output.begin_addr).is_some() {}
    let output = take(&mut cells, output.begin_addr, output.stop_ptr)?;
    Ok(HashedCells { program, output })
}

/// The values of the next cells, which must have the addresses from `begin` up to `end`.
fn take<'a>(
    cells: &mut impl Iterator<Item = &'a PublicMemoryCell>,
    begin: u64,
    end: u64,
) -> Result<Vec<Felt>, CellsError> {
    let next = |expected| {
        let cell = cells.next();
        let found = cell.map(|cell| cell.address);
        match cell {
            Some(cell) if cell.address == expected => Ok(cell.value),
            _ => Err(CellsError::Order { expected, found }),
        }
    };
    (begin..end).map(next).collect()
}

/// Splits the cells: the last ones, as many as the output segment has, are the output; all before are the program.
fn up_to_output(public: &PublicInput) -> Result<HashedCells, CellsError> {
    let output = public.segment("output")?;
    let size = output.stop_ptr.checked_sub(output.begin_addr);
    let size = size.ok_or(CellsError::Backwards("output"))?;
    let cells = public.public_memory.len();
    let split = usize::try_from(size)
        .ok()
        .and_then(|size| cells.checked_sub(size));
    let split = split.ok_or(CellsError::Output { cells, output: size })?;
    let values: Vec<_> = public.public_memory.iter().map(|cell| cell.value).collect();
    let (program, output) = values.split_at(split);
    Ok(HashedCells {
        program: program.to_vec(),
        output: output.to_vec(),
    })
}
