//! Which cells of public memory the Integrity contracts hash as the program and as the output. Source: Integrity
//! 2.1, `src/air/public_input.cairo`, `src/air/layouts/*/public_input.cairo`.

use super::MemoryVerification;
use crate::cairo::public_input::{PublicInput, PublicInputError, PublicMemoryCell};
use quarry_kernels::Felt;
use std::iter::Peekable;
use std::ops::Range;
use std::slice;

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
    /// There are cells after the output, in the mode that allows none.
    #[error("public_memory: Integrity's mode strict expects the end next, found address {0}")]
    Further(u64),
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
        MemoryVerification::Strict => exactly(public, begin),
        MemoryVerification::Relaxed => skipping(public, begin),
        MemoryVerification::Cairo1 => up_to_output(public),
    }
}

/// Mode strict: the program, the frame of `main` with the pointers that it received, the pointers that it returned, the
/// output, and nothing else.
fn exactly(public: &PublicInput, begin: u64) -> Result<HashedCells, CellsError> {
    let mut cells = Cells::of(public);
    let program = cells.take(program(public, begin)?)?;
    for addresses in stack(public)? {
        cells.take(addresses)?;
    }
    let output = cells.take(output(public)?)?;
    match cells.0.next() {
        Some(cell) => Err(CellsError::Further(cell.address)),
        None => Ok(HashedCells { program, output }),
    }
}

/// Mode relaxed: the program, any cells below the output, the output. The contracts fail if no cell ends the search for
/// the output, even if it is empty.
fn skipping(public: &PublicInput, begin: u64) -> Result<HashedCells, CellsError> {
    let mut cells = Cells::of(public);
    let program = cells.take(program(public, begin)?)?;
    let output = output(public)?;
    let expected = output.start;
    while cells.0.next_if(|cell| cell.address < expected).is_some() {}
    if cells.0.peek().is_none() {
        return Err(CellsError::Order {
            expected,
            found: None,
        });
    }
    let output = cells.take(output)?;
    Ok(HashedCells { program, output })
}

/// The addresses of the program: up to the frame of `main`.
fn program(public: &PublicInput, begin: u64) -> Result<Range<u64>, CellsError> {
    let frame = public.segment("execution")?.begin_addr;
    let end = frame.checked_sub(CELLS_BEFORE_FRAME).filter(|&end| end >= begin);
    Ok(begin..end.ok_or(CellsError::Backwards("program"))?)
}

/// The addresses of the frame of `main` with one pointer for each builtin of the layout, then of the pointers that it
/// returned.
fn stack(public: &PublicInput) -> Result<[Range<u64>; 2], CellsError> {
    let execution = public.segment("execution")?;
    // All segments but the program and the execution are builtins'.
    let n = public.memory_segments.len().saturating_sub(2) as u64;
    let (frame, end) = (execution.begin_addr, execution.stop_ptr);
    Ok([
        frame.saturating_sub(CELLS_BEFORE_FRAME)..frame.saturating_add(n),
        end.saturating_sub(n)..end,
    ])
}

/// The addresses of the output.
fn output(public: &PublicInput) -> Result<Range<u64>, CellsError> {
    let output = public.segment("output")?;
    match output.begin_addr <= output.stop_ptr {
        true => Ok(output.begin_addr..output.stop_ptr),
        false => Err(CellsError::Backwards("output")),
    }
}

/// The cells that the contracts have not read yet.
struct Cells<'a>(Peekable<slice::Iter<'a, PublicMemoryCell>>);

impl<'a> Cells<'a> {
    fn of(public: &'a PublicInput) -> Self {
        Self(public.public_memory.iter().peekable())
    }

    /// The values of the next cells, which must have these addresses.
    fn take(&mut self, addresses: Range<u64>) -> Result<Vec<Felt>, CellsError> {
        let next = |expected| match self.0.next() {
            Some(cell) if cell.address == expected => Ok(cell.value),
            cell => Err(CellsError::Order {
                expected,
                found: cell.map(|cell| cell.address),
            }),
        };
        addresses.map(next).collect()
    }
}

/// Splits the cells: the last ones, as many as the output segment has, are the output; all before are the program.
fn up_to_output(public: &PublicInput) -> Result<HashedCells, CellsError> {
    let output = output(public)?;
    let size = output.end - output.start;
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
