//! Trace cells of `poseidon`: the permutation, round by round.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, MemoryCell, Strip, cell};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::POSEIDON_STATE;
use ark_ff::{AdditiveGroup, Field};
use quarry_kernels::Felt;
use quarry_kernels::hash::poseidon::{FULL_ROUNDS, PARTIAL_ROUNDS, ROUND_CONSTANTS};
use quarry_kernels::ops::VirtualColumn;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// The input of an S-box, and its square.
type Round = (Felt, Felt);

/// The two virtual columns of partial rounds: the first round and the number of rounds of each. Three rounds are in
/// both, because the constraint of a round uses the three rounds before it.
const PARTIAL_PARTS: [(usize, usize); 2] = [(0, 64), (61, 22)];

/// The permutation of a state.
struct Permutation {
    input: [Felt; POSEIDON_STATE],
    output: [Felt; POSEIDON_STATE],
    full: Vec<[Round; POSEIDON_STATE]>,
    /// The last element.
    partial: Vec<Round>,
}

impl Permutation {
    fn new(input: [Felt; POSEIDON_STATE]) -> Self {
        let (mut full, mut partial) = (
            Vec::with_capacity(FULL_ROUNDS),
            Vec::with_capacity(PARTIAL_ROUNDS),
        );
        let partial_rounds = FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS;
        let mut state = input;
        for (round, constants) in ROUND_CONSTANTS.iter().enumerate() {
            let rounds = [0, 1, 2].map(|i| {
                let element = state[i] + constants[i];
                (element, element.square())
            });
            let [a, b, c] = rounds.map(|(element, square)| element * square);
            state = if partial_rounds.contains(&round) {
                partial.push(rounds[2]);
                mix([rounds[0].0, rounds[1].0, c])
            } else {
                full.push(rounds);
                mix([a, b, c])
            };
        }
        Self {
            input,
            output: state,
            full,
            partial,
        }
    }
}

/// The linear layer, the matrix `[[3, 1, 1], [1, -1, 1], [1, 1, -2]]`.
fn mix([a, b, c]: [Felt; POSEIDON_STATE]) -> [Felt; POSEIDON_STATE] {
    let sum = a + b + c;
    [sum + a.double(), sum - b.double(), sum - c.double() - c]
}

/// The virtual columns of a value and of its square.
struct RoundCells([VirtualColumn; 2]);

impl RoundCells {
    fn new(layout: &Layout, name: &str) -> Result<Self, InputError> {
        let name = format!("poseidon/poseidon/{name}");
        Ok(Self([
            cell(layout, &name)?,
            cell(layout, &format!("{name}_squared"))?,
        ]))
    }

    fn write(&self, strip: &mut Strip, index: usize, (element, square): Round) {
        strip.set(self.0[0], index, element);
        strip.set(self.0[1], index, square);
    }
}

/// The virtual columns of the component.
struct Cells {
    memory: Vec<MemoryCell>,
    full: Vec<RoundCells>,
    partial: Vec<RoundCells>,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let elements = 0..POSEIDON_STATE;
        let memory = |i| MemoryCell::new(layout, &format!("poseidon/param_{i}/input_output"));
        let full = |i| RoundCells::new(layout, &format!("full_rounds_state{i}"));
        let partial = |i| RoundCells::new(layout, &format!("partial_rounds_state{i}"));
        Ok(Self {
            memory: elements.clone().map(memory).collect::<Result<_, _>>()?,
            full: elements.map(full).collect::<Result<_, _>>()?,
            partial: (0..PARTIAL_PARTS.len()).map(partial).collect::<Result<_, _>>()?,
        })
    }

    /// Writes the strip's only instance, without its memory accesses.
    fn write(&self, strip: &mut Strip, permutation: &Permutation) {
        for (round, elements) in permutation.full.iter().enumerate() {
            for (cells, element) in self.full.iter().zip(elements) {
                cells.write(strip, round, *element);
            }
        }
        for (cells, (first, n)) in self.partial.iter().zip(PARTIAL_PARTS) {
            for (i, round) in permutation.partial[first..first + n].iter().enumerate() {
                cells.write(strip, i, *round);
            }
        }
    }
}

/// Writes every instance. Unused instances permute zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let instances = builtin.by_instance(&input.private.poseidon, |input| input.index)?;
    let zeros = Permutation::new(Default::default());
    canvas.write_strips(builtin.height(), |i, strip| {
        let used = instances[i].map(|input| Permutation::new(input.state));
        let permutation = used.as_ref().unwrap_or(&zeros);
        let values = [permutation.input, permutation.output];
        if used.is_some() {
            builtin.check_cells(i, values.as_flattened())?;
        }
        cells.write(strip, permutation);
        for (k, value) in values.as_flattened().iter().enumerate() {
            let (side, element) = (k / POSEIDON_STATE, k % POSEIDON_STATE);
            strip.access(cells.memory[element], side, builtin.address(i, k as u64), *value);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::hash::poseidon::permute;

    #[test]
    fn the_rounds_end_at_the_permutation() {
        let input = [3u64, 5, 7].map(Felt::from);
        let permutation = Permutation::new(input);
        let mut state = input;
        permute(&mut state);
        assert_eq!(permutation.output, state);
        assert_eq!(permutation.full.len(), FULL_ROUNDS);
        assert_eq!(permutation.partial.len(), PARTIAL_ROUNDS);
    }
}
