//! Constraints that split the inputs and outputs in memory into bits and combine the bits of all permutations in
//! diluted form.
//!
//! The memory holds words of 200 bits: for each permutation eight of the input, then eight of the output. For each bit
//! of the state from the highest down, for inputs and outputs (`repetition`), and for each permutation (`invocation`),
//! `cumulative_sum` holds the bits so far as a number. A bit is the difference of a number and twice the number of the
//! next higher bit. Each permutation also adds the sum of the previous permutation, shifted by the spacing, so the last
//! one has the bits of all permutations in diluted form. The cell is
//! `repetition + 2 (invocation + 16 (lane + 32 bit))`.

use super::{Grid, LANE_BITS, N_INVOCATIONS, N_LANES};
use crate::air::{Domain, Expr, Rows, every};
use crate::cairo::components::scope::{Scope, ScopeError};
use crate::cairo::diluted::SPACING;
use ark_ff::Field;
use quarry_kernels::Felt;

/// Inputs and outputs.
const N_REPETITIONS: usize = 2;
/// Words per state in memory.
const N_WORDS: usize = 8;
/// Bits per word.
const WORD_BITS: usize = LANE_BITS * N_LANES / N_WORDS;
/// Cells per bit: both repetitions of all permutations.
const BIT_CELLS: usize = N_REPETITIONS * N_INVOCATIONS;
/// Places for lanes. Those after the last lane are zero.
const LANE_PLACES: usize = 32;
/// Cells from a bit of a lane to its next bit.
const NEXT_BIT: usize = LANE_PLACES * BIT_CELLS;

/// The cell of bit `bit` of the state.
fn bit_cell(bit: usize) -> usize {
    BIT_CELLS * (LANE_PLACES * (bit % LANE_BITS) + bit / LANE_BITS)
}

/// Adds the constraints of `keccak/parse_to_diluted`. `memory` is the scope of the memory cells, `keccak` that of the
/// inner component.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub(super) fn constrain<'a>(memory: &Scope<'a>, keccak: &Scope<'a>) -> Result<(), ScopeError> {
    let scope = keccak.part("parse_to_diluted");
    reshape(memory, &scope)?;

    let sum = scope.cells("cumulative_sum")?;
    let last_word = scope.cells("final_reshaped_input")?;
    let grid = Grid { step: sum.step() };
    let instance = |cells: &mut dyn Iterator<Item = usize>| Domain {
        rows: grid.cells(grid.instance(), cells),
        except: Vec::new(),
    };
    scope.constrain(
        "start_accumulation",
        instance(&mut (0..BIT_CELLS)),
        sum.at(bit_cell(N_WORDS * WORD_BITS)),
    );
    // A word of the first permutation is the growth of its sum. A word of a later permutation is the growth of its sum
    // minus the shifted growth of the previous permutation's sum.
    let word_weight = Felt::from(2u64).pow([WORD_BITS as u64]);
    let shift = 1 << SPACING;
    for word in 0..N_WORDS {
        let grown = |cell: usize| {
            let at = |bit: usize| sum.at(cell + bit_cell(bit));
            at(word * WORD_BITS) - at((word + 1) * WORD_BITS) * word_weight
        };
        scope.constrain(
            &format!("init_first_invocation{word}"),
            instance(&mut (0..N_REPETITIONS)),
            last_word.at(word) - grown(0),
        );
        scope.constrain(
            &format!("init_other_invocations{word}"),
            instance(&mut (0..BIT_CELLS - N_REPETITIONS)),
            last_word.at(N_REPETITIONS * N_WORDS + word) + grown(0) * shift - grown(N_REPETITIONS),
        );
    }

    // A bit is computed from its cell and that of the next higher bit, which is in the same lane or, for the last bit
    // of a lane, in the next lane.
    let last_bit = (LANE_BITS - 1) * NEXT_BIT;
    let same_lane = |cell: usize| sum.at(cell) - (sum.at(cell + NEXT_BIT) + sum.at(cell + NEXT_BIT));
    let next_lane = |cell: usize| {
        let next = sum.at(cell + BIT_CELLS);
        sum.at(cell + last_bit) - (next + next)
    };
    let bit_test = |bit: Expr<'a>| bit.square() - bit;
    let other = |first: &dyn Fn(usize) -> Expr<'a>| first(N_REPETITIONS) - first(0) * shift;
    let lanes = |n: usize, cells: std::ops::Range<usize>| {
        (0..n).flat_map(move |lane| cells.clone().map(move |cell| lane * BIT_CELLS + cell))
    };
    let (first, others) = (0..N_REPETITIONS, 0..BIT_CELLS - N_REPETITIONS);
    let outputs = ["state_begin", "state_end"];

    scope.constrain(
        "extract_bit_first_invocation1",
        instance(&mut lanes(N_LANES, first.clone())),
        bit_test(next_lane(0)),
    );
    scope.constrain(
        "extract_bit_other_invocations1",
        instance(&mut lanes(N_LANES, others.clone())),
        bit_test(other(&next_lane)),
    );
    let last_invocation = |repetition: usize| N_REPETITIONS * (N_INVOCATIONS - 1) + repetition;
    for (repetition, name) in outputs.iter().enumerate() {
        let diluted = keccak.cells(name)?.at(last_bit / BIT_CELLS);
        scope.constrain(
            &format!("to_diluted{repetition}_p1"),
            instance(&mut lanes(N_LANES, 0..1)),
            next_lane(last_invocation(repetition)) - diluted,
        );
    }

    // All bits but the last of each lane: `rows` without `left_out`, the places from `unused` on, and the last bits of
    // the lanes before `last`.
    let but_last = |rows: Vec<Rows>, left_out: &[Rows], cells: std::ops::Range<usize>, unused, last| {
        let bits = every(NEXT_BIT * grid.step);
        let places =
            (unused..LANE_PLACES).flat_map(|lane| cells.clone().map(move |cell| lane * BIT_CELLS + cell));
        let last_bits = lanes(last, cells.clone()).map(|cell| last_bit + cell);
        let mut except = left_out.to_vec();
        except.extend(grid.cells(bits, places));
        except.extend(grid.cells(grid.instance(), last_bits));
        Domain { rows, except }
    };
    let places = every(BIT_CELLS * grid.step);
    scope.constrain(
        "extract_bit_first_invocation0",
        but_last(
            grid.cells(places, first.clone()),
            &[],
            first,
            N_LANES + 1,
            N_LANES + 1,
        ),
        bit_test(same_lane(0)),
    );
    let left_out = grid.cells(places, BIT_CELLS - N_REPETITIONS..BIT_CELLS);
    scope.constrain(
        "extract_bit_other_invocations0",
        but_last(
            vec![every(grid.step)],
            &left_out,
            others,
            N_LANES + 1,
            N_LANES + 1,
        ),
        bit_test(other(&same_lane)),
    );
    for (repetition, name) in outputs.iter().enumerate() {
        scope.constrain(
            &format!("to_diluted{repetition}_p0"),
            but_last(vec![places], &[], 0..1, N_LANES, N_LANES),
            same_lane(last_invocation(repetition)) - keccak.cell(name)?,
        );
    }
    Ok(())
}

/// Constrains the two copies of the words: an intermediate copy for each permutation, and a final copy in which the
/// words of all permutations of an instance are contiguous.
fn reshape<'a>(memory: &Scope<'a>, scope: &Scope<'a>) -> Result<(), ScopeError> {
    let words = memory.cells("input_output/value")?;
    let intermediate = scope.cells("reshaped_intermediate")?;
    let last = scope.cells("final_reshaped_input")?;
    let n_words = N_REPETITIONS * N_WORDS;
    let invocation = every(n_words * words.step());
    for repetition in 0..N_REPETITIONS {
        for word in 0..N_WORDS {
            let cell = repetition * N_WORDS + word;
            scope.constrain(
                &format!("reshape_intermediate{repetition}_w{word}"),
                invocation,
                words.at(cell) - intermediate.at(cell),
            );
        }
    }
    let instance = every(N_INVOCATIONS * invocation.step);
    let cells = (0..n_words).map(|cell| instance.at(cell * intermediate.step()));
    let rows = Domain {
        rows: cells.collect(),
        except: Vec::new(),
    };
    for i in 0..N_INVOCATIONS {
        let cell = i * invocation.step / intermediate.step();
        scope.constrain(
            &format!("reshape_final{i}"),
            rows.clone(),
            intermediate.at(cell) - last.at(i * n_words),
        );
    }
    Ok(())
}
