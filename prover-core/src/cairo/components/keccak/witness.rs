//! Trace cells of `keccak`: 16 invocations of the permutation per instance, with their bits interleaved in diluted
//! numbers.

use super::BUILTIN;
use super::permutation::{
    Bytes, LANE_BITS, N_ROUNDS, N_STATES, Round, STATE_BITS, State, place, places, slices, states,
};
use crate::cairo::canvas::{Canvas, MemoryCell, Strip, cell};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::diluted::{SPACING, dilute};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::{KECCAK_WORDS, KeccakInput};
use ark_ff::{AdditiveGroup, BigInteger, PrimeField, Zero};
use quarry_kernels::ops::VirtualColumn;
use quarry_kernels::{Felt, felt};

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Bytes per word of a state in memory.
const WORD_BYTES: usize = STATE_BITS / 8 / KECCAK_WORDS;
/// Cells per state in its virtual column: 32 for each bit position z, of which 25 are used for lanes.
const STATE_HEIGHT: usize = 32 * LANE_BITS;
/// Cells for each bit of a state in a virtual column that holds all rounds.
const ROUND_CAPACITY: usize = 32;
/// Rounds per virtual column where the carries of a theta lane are split into several columns.
const SPLIT_ROUNDS: usize = 8;
/// Memory cells per invocation: input and output.
const MEMORY_CELLS: usize = BUILTIN.n_column_cells;

/// The cell of a bit in a state's virtual column.
fn state_row((y, x, z): (usize, usize, usize)) -> usize {
    x + 5 * y + 32 * z
}

/// The words of a state in memory.
type Words = [Felt; KECCAK_WORDS];

fn to_words(state: &Bytes) -> Words {
    let (words, _) = state.as_chunks::<WORD_BYTES>();
    let word = |i: usize| {
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().rev().zip(&words[i]) {
            *byte = *value;
        }
        felt::from_bytes_reduced(&bytes)
    };
    std::array::from_fn(word)
}

fn to_bytes(input: &KeccakInput) -> Result<Bytes, BuiltinError> {
    let mut bytes = [0; STATE_BITS / 8];
    let (words, _) = bytes.as_chunks_mut::<WORD_BYTES>();
    for (word, &value) in words.iter_mut().zip(&input.state) {
        let n_bits = 8 * WORD_BYTES;
        if value.into_bigint().num_bits() as usize > n_bits {
            return Err(BuiltinError::TooLarge { value, n_bits });
        }
        for (byte, value) in word.iter_mut().zip(felt::to_standard_bytes(&value).iter().rev()) {
            *byte = *value;
        }
    }
    Ok(bytes)
}

/// The virtual columns of the component.
struct Cells {
    memory: MemoryCell,
    /// The two columns of copies of the words of the states.
    reshaped: [VirtualColumn; 2],
    cumulative_sum: VirtualColumn,
    state_begin: VirtualColumn,
    state_end: VirtualColumn,
    state: VirtualColumn,
    /// By `[digit][x]`.
    parities: [Vec<VirtualColumn>; 3],
    rotated_parities: Vec<VirtualColumn>,
    after_theta_rho_pi: VirtualColumn,
    /// By lane `5 y + x`: one virtual column, or three of eight rounds each.
    theta_carries: Vec<Vec<VirtualColumn>>,
    /// The lowest and the highest digit of chi's sums.
    chi: [VirtualColumn; 2],
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let find = |name: &str| layout.cell(&format!("keccak/keccak/{name}"));
        let cell = |name: &str| cell(layout, &format!("keccak/keccak/{name}"));
        let parities = |digit| {
            (0..5)
                .map(|x| cell(&format!("parity{digit}_{x}")))
                .collect::<Result<_, _>>()
        };
        let theta_carry = |lane: usize| {
            let name = format!("theta_aux_i{}_j{}", lane / 5, lane % 5);
            match find(&name) {
                Some(whole) => Ok(vec![whole]),
                None => (0..N_ROUNDS)
                    .step_by(SPLIT_ROUNDS)
                    .map(|start| cell(&format!("{name}_start{start}_stop{}", start + SPLIT_ROUNDS)))
                    .collect(),
            }
        };
        Ok(Self {
            memory: MemoryCell::new(layout, "keccak/input_output")?,
            reshaped: [
                cell("parse_to_diluted/reshaped_intermediate")?,
                cell("parse_to_diluted/final_reshaped_input")?,
            ],
            cumulative_sum: cell("parse_to_diluted/cumulative_sum")?,
            state_begin: cell("state_begin")?,
            state_end: cell("state_end")?,
            state: cell("state")?,
            parities: [parities(0)?, parities(1)?, parities(2)?],
            rotated_parities: (0..5)
                .map(|x| cell(&format!("rotated_parity{x}")))
                .collect::<Result<_, _>>()?,
            after_theta_rho_pi: cell("after_theta_rho_pi")?,
            theta_carries: (0..25).map(theta_carry).collect::<Result<_, _>>()?,
            chi: [cell("chi_iota_aux0")?, cell("chi_iota_aux2")?],
        })
    }

    /// Writes the strip's only instance, without its memory accesses. Returns the output states.
    fn write(&self, strip: &mut Strip, inputs: &[Bytes; N_STATES]) -> [Bytes; N_STATES] {
        let mut state = slices(inputs);
        self.write_parsed(strip, 0, inputs, &state);
        for number in 0..N_ROUNDS {
            let round = Round::new(&state, number);
            self.write_round(strip, number, &round);
            state = *round.state();
        }
        let outputs = states(&state);
        self.write_parsed(strip, 1, &outputs, &state);
        outputs
    }

    /// Writes the conversion of the words of the inputs (`side` 0) or outputs (`side` 1) to diluted bits.
    fn write_parsed(&self, strip: &mut Strip, side: usize, bytes: &[Bytes; N_STATES], slices: &State) {
        // By `bit`: the bits from `bit` on, with weight 2^(k - bit) for bit k, summed over the states so far in diluted
        // form.
        let mut sums = vec![Felt::zero(); STATE_BITS];
        for (i, state) in bytes.iter().enumerate() {
            for (k, word) in to_words(state).into_iter().enumerate() {
                let first = 2 * i * STATE_HEIGHT + side;
                strip.set(self.reshaped[0], first * KECCAK_WORDS + k, word);
                strip.set(self.reshaped[1], (2 * i + side) * KECCAK_WORDS + k, word);
            }
            let mut own = Felt::zero();
            for bit in (0..STATE_BITS).rev() {
                own.double_in_place();
                if state[bit / 8] >> (bit % 8) & 1 == 1 {
                    own += Felt::from(1u64);
                }
                for _ in 0..SPACING {
                    sums[bit].double_in_place();
                }
                sums[bit] += own;
                let index = side + 2 * (i + N_STATES * state_row(place(bit)));
                strip.set(self.cumulative_sum, index, sums[bit]);
            }
        }
        let cells = [self.state_begin, self.state_end][side];
        for (y, x, z) in places() {
            strip.diluted(cells, state_row((y, x, z)), slices[y][x][z]);
        }
    }

    fn write_round(&self, strip: &mut Strip, number: usize, round: &Round) {
        let row = |place| number + ROUND_CAPACITY * state_row(place);
        for (cells, digits) in self.parities.iter().zip(&round.parities) {
            for (cell, digits) in cells.iter().zip(digits) {
                for (z, digit) in digits.iter().enumerate() {
                    strip.diluted(*cell, row((0, 0, z)), *digit);
                }
            }
        }
        for (cell, parities) in self.rotated_parities.iter().zip(&round.parities[0]) {
            for (z, parity) in parities.iter().enumerate() {
                strip.set(*cell, row((0, 0, (z + 1) % LANE_BITS)), dilute(*parity));
            }
        }
        for (y, x, z) in places() {
            let place = (y, x, z);
            strip.diluted(self.after_theta_rho_pi, row(place), round.rotated[y][x][z]);
            let carries = &self.theta_carries[5 * y + x];
            let (cell, round_in_cell) = match carries[..] {
                [whole] => (whole, number),
                _ => (carries[number / SPLIT_ROUNDS], number % SPLIT_ROUNDS),
            };
            let index = round_in_cell + ROUND_CAPACITY * state_row((0, 0, z));
            strip.diluted(cell, index, round.theta_carries[y][x][z]);
            // The state after the last round is in `state_end`.
            if number + 1 < N_ROUNDS {
                strip.diluted(self.state, row(place) + 1, round.state()[y][x][z]);
            }
            strip.diluted(self.chi[0], row(place), round.chi[0][y][x][z]);
            strip.diluted(self.chi[1], row(place), round.chi[2][y][x][z]);
        }
    }
}

/// Writes every instance; the invocations that the run did not use permute zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let invocations = builtin.by_instance(&input.private.keccak, |input| input.index)?;
    canvas.write_strips(N_STATES * builtin.height(), |strip_index, strip| {
        let first = N_STATES * strip_index;
        let mut inputs = [[0; STATE_BITS / 8]; N_STATES];
        for (i, bytes) in inputs.iter_mut().enumerate() {
            if let Some(input) = &invocations[first + i] {
                *bytes = to_bytes(input).map_err(|problem| builtin.error(input.index, problem))?;
            }
        }
        let outputs = cells.write(strip, &inputs);
        for (i, (input, output)) in inputs.iter().zip(&outputs).enumerate() {
            let values = [to_words(input), to_words(output)];
            if invocations[first + i].is_some() {
                builtin.check_cells(first + i, values.as_flattened())?;
            }
            for (k, value) in values.as_flattened().iter().enumerate() {
                let address = builtin.address(first + i, k as u64);
                strip.access(cells.memory, MEMORY_CELLS * i + k, address, *value);
            }
        }
        Ok(())
    })
}
