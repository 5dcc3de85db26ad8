//! Evaluation domains: cosets of the field's 2-power subgroups.

use crate::felt::{self, Felt};
use ark_ff::Field;

/// The points `shift * g^i`, `0 <= i < 2^log_len`, where `g` generates the subgroup of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coset {
    /// The first point.
    pub shift: Felt,
    /// Logarithm of the number of points.
    pub log_len: u32,
}

impl Coset {
    /// Number of points.
    pub fn len(&self) -> usize {
        1 << self.log_len
    }

    /// Always false: a coset has at least one point.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The generator `g` of the subgroup.
    pub fn generator(&self) -> Felt {
        felt::subgroup_generator(self.log_len)
    }

    /// Point `i` in natural order.
    pub fn point(&self, i: usize) -> Felt {
        self.shift * self.generator().pow([i as u64])
    }
}

/// The low `bits` bits of `i`, reversed.
pub fn bit_reverse(i: usize, bits: u32) -> usize {
    if bits == 0 {
        0
    } else {
        i.reverse_bits() >> (usize::BITS - bits)
    }
}
