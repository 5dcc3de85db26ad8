//! Changes to the inputs of an execution.

use ark_ff::One;
use quarry_kernels::Felt;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::memory::Memory;
use quarry_prover_core::cairo::trace::build_trace;

/// The error for inputs after a change, or "accepted".
pub fn error_of(original: &ProverInput, change: impl Fn(&mut ProverInput)) -> String {
    let layout = Layout::of(&original.public).expect("a layout");
    let mut input = original.clone();
    change(&mut input);
    match build_trace(&layout, &input) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Changes one cell of memory, or removes it.
pub fn change_memory(input: &mut ProverInput, address: u64, value: Option<Felt>) {
    let mut cells: Vec<(u64, Felt)> = input.memory.cells().filter(|cell| cell.0 != address).collect();
    cells.extend(value.map(|value| (address, value)));
    input.memory = Memory::from_cells(cells).expect("no address twice");
}

/// A pseudorandom number generator.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8
    }

    /// The next number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A value near `value`, far from it, or at the edge of the range.
    pub fn near(&mut self, value: u64) -> u64 {
        match self.below(6) {
            0 => value.wrapping_add(1),
            1 => value.wrapping_sub(1),
            2 => self.next() >> self.below(56),
            3 => 1 << self.below(64),
            4 => u64::MAX,
            _ => value ^ 1 << self.below(16),
        }
    }

    /// The same for field elements.
    pub fn felt_near(&mut self, value: Felt) -> Felt {
        match self.below(4) {
            0 => value + Felt::one(),
            1 => value + Felt::from(1u64 << self.below(63)),
            2 => -value,
            _ => Felt::from(self.next()),
        }
    }
}
