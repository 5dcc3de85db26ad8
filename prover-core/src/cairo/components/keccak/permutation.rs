//! The Keccak permutation on 16 states at once, bit by bit, with the intermediate values that the trace holds.
//!
//! A [`Slice`] holds the same bit of all states. The constraints split sums of bits into binary digits. A sum is
//! computed for all states at once, with one slice per digit.

use quarry_kernels::hash::keccak::{ROTATIONS, ROUND_CONSTANTS};

/// States that are permuted together.
pub(super) const N_STATES: usize = 16;
/// Rounds.
pub(super) const N_ROUNDS: usize = ROUND_CONSTANTS.len();
/// Bits of a lane.
pub(super) const LANE_BITS: usize = 64;
/// Bits of a state.
pub(super) const STATE_BITS: usize = 25 * LANE_BITS;

/// The same bit of [`N_STATES`] states, that of the first state in the highest position.
pub(super) type Slice = u16;

/// The slices of the states: `[y][x][z]`, where bit z of lane (x, y) is bit `64 (5 y + x) + z` of a state.
pub(super) type State = [[[Slice; LANE_BITS]; 5]; 5];

/// The values of a round.
pub(super) struct Round {
    /// The binary digits of the sum of each column: `[digit][x][z]`, lowest first.
    pub parities: [[[Slice; LANE_BITS]; 5]; 3],
    /// The state after theta, rho and pi.
    pub rotated: State,
    /// The higher digit of the sums of theta, indexed as `rotated`.
    pub theta_carries: State,
    /// The digits of the sums of chi and iota. The middle one is the state after the round.
    pub chi: [State; 3],
}

/// The two digits of a sum of three bits.
fn add3(a: Slice, b: Slice, c: Slice) -> [Slice; 2] {
    [a ^ b ^ c, a & b | a & c | b & c]
}

impl Round {
    /// Round number `round` of a state.
    pub fn new(state: &State, round: usize) -> Self {
        let mut this = Self {
            parities: [[[0; LANE_BITS]; 5]; 3],
            rotated: EMPTY,
            theta_carries: EMPTY,
            chi: [EMPTY; 3],
        };
        for x in 0..5 {
            for z in 0..LANE_BITS {
                let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|y| state[y][x][z]);
                let [sum, carry] = add3(a, b, c);
                let [parity, carry2] = add3(sum, d, e);
                for (digits, digit) in this
                    .parities
                    .iter_mut()
                    .zip([parity, carry ^ carry2, carry & carry2])
                {
                    digits[x][z] = digit;
                }
            }
        }
        let parity = &this.parities[0];
        for (y, x, z) in places() {
            let before = parity[(x + 4) % 5][z];
            let after = parity[(x + 1) % 5][(z + LANE_BITS - 1) % LANE_BITS];
            let [sum, carry] = add3(state[y][x][z], before, after);
            let (new_y, new_x, new_z) = ((3 * y + 2 * x) % 5, y, (z + ROTATIONS[y][x]) % LANE_BITS);
            this.rotated[new_y][new_x][new_z] = sum;
            this.theta_carries[new_y][new_x][new_z] = carry;
        }
        for (y, x, z) in places() {
            // 2 a + (1 - b) + c, and twice the round constant's bit.
            let [a, b, c] = [0, 1, 2].map(|k| this.rotated[y][(x + k) % 5][z]);
            let constant = (x, y) == (0, 0) && ROUND_CONSTANTS[round] >> z & 1 == 1;
            let [low, carry] = [!b ^ c, !b & c];
            let [middle, high] = add3(a, carry, if constant { Slice::MAX } else { 0 });
            for (digits, digit) in this.chi.iter_mut().zip([low, middle, high]) {
                digits[y][x][z] = digit;
            }
        }
        this
    }

    /// The state after the round.
    pub fn state(&self) -> &State {
        &self.chi[1]
    }
}

const EMPTY: State = [[[0; LANE_BITS]; 5]; 5];

/// All `(y, x, z)`.
pub(super) fn places() -> impl Iterator<Item = (usize, usize, usize)> {
    (0..STATE_BITS).map(place)
}

/// The `(y, x, z)` of a bit of a state.
pub(super) fn place(bit: usize) -> (usize, usize, usize) {
    let lane = bit / LANE_BITS;
    (lane / 5, lane % 5, bit % LANE_BITS)
}

/// A state as bytes, lowest bit first.
pub(super) type Bytes = [u8; STATE_BITS / 8];

/// States as slices.
pub(super) fn slices(states: &[Bytes; N_STATES]) -> State {
    let mut slices = EMPTY;
    for bit in 0..STATE_BITS {
        let (y, x, z) = place(bit);
        for state in states {
            let bit = Slice::from(state[bit / 8] >> (bit % 8) & 1);
            slices[y][x][z] = slices[y][x][z] << 1 | bit;
        }
    }
    slices
}

/// Slices as states.
pub(super) fn states(slices: &State) -> [Bytes; N_STATES] {
    let mut states = [[0; STATE_BITS / 8]; N_STATES];
    for bit in 0..STATE_BITS {
        let (y, x, z) = place(bit);
        for (state, shift) in states.iter_mut().zip((0..N_STATES).rev()) {
            state[bit / 8] |= ((slices[y][x][z] >> shift & 1) as u8) << (bit % 8);
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::hash::Hash;

    #[test]
    fn slices_and_states_are_the_same() {
        let bytes = std::array::from_fn(|i| std::array::from_fn(|j| (31 * i + 7 * j + i * j) as u8));
        assert_eq!(states(&slices(&bytes)), bytes);
    }

    /// The empty message: the permutation of its padding is its hash.
    #[test]
    fn the_rounds_are_keccaks() {
        let mut inputs = [[0; STATE_BITS / 8]; N_STATES];
        inputs[3][0] = 1;
        inputs[3][135] = 0x80;
        let mut state = slices(&inputs);
        for round in 0..N_ROUNDS {
            state = *Round::new(&state, round).state();
        }
        assert_eq!(states(&state)[3][..32], Hash::Keccak256.hash_bytes(&[]));
    }
}
