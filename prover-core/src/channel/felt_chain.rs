//! The transcript of the Poseidon channel: its state and everything sent are field elements.

use quarry_kernels::hash::poseidon;
use quarry_kernels::{Felt, felt};
use std::iter;

/// A chain of Poseidon hashes with a counter of draws.
pub(super) struct FeltChain {
    state: Felt,
    counter: u64,
}

impl FeltChain {
    pub fn new(state: Felt) -> Self {
        Self { state, counter: 0 }
    }

    pub fn state(&self) -> [u8; 32] {
        felt::to_standard_bytes(&self.state)
    }

    /// Hashes 32-byte words, each a field element in standard form, into the chain.
    pub fn absorb(&mut self, bytes: &[u8]) {
        let words = bytes.as_chunks::<32>().0;
        let message = iter::once(self.state + Felt::from(1u64));
        self.state = poseidon::hash_many(message.chain(words.iter().map(felt::from_bytes_reduced)));
        self.counter = 0;
    }

    pub fn draw_felt(&mut self) -> Felt {
        let drawn = poseidon::hash_two(self.state, Felt::from(self.counter));
        self.counter += 1;
        drawn
    }

    /// The low 64 bits of a drawn element.
    pub fn draw_u64(&mut self) -> u64 {
        let bytes = felt::to_standard_bytes(&self.draw_felt());
        bytes[24..]
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}
