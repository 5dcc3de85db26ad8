//! Geometric sequences, and the roots of unity that transforms share.

use crate::domain::Coset;
use crate::felt::{Felt, subgroup_generator};
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;
use std::sync::{Arc, PoisonError, RwLock};

/// Elements that a thread processes at once.
const CHUNK: usize = 1 << 10;

/// Fills `out` with `first * ratio^i`.
pub(super) fn fill_powers(out: &mut [Felt], first: Felt, ratio: Felt) {
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(i, chunk)| {
        let mut power = first * ratio.pow([(i * CHUNK) as u64]);
        for element in chunk {
            *element = power;
            power *= ratio;
        }
    });
}

/// The sequence `first * ratio^i` of `n` elements.
pub(super) fn powers(first: Felt, ratio: Felt, n: usize) -> Vec<Felt> {
    let mut powers = vec![Felt::ZERO; n];
    fill_powers(&mut powers, first, ratio);
    powers
}

/// Inverts every element. Zeros stay zero.
pub(super) fn invert(elements: &mut [Felt]) {
    elements.par_chunks_mut(CHUNK).for_each(ark_ff::batch_inversion);
}

/// Roots of unity for every size up to the largest requested so far: element `half + j` is `g^j`, where `half` is a
/// power of two, `j < half`, and `g` generates the subgroup of `2 half` elements. A table for a smaller size is a
/// prefix of one for a larger size.
#[derive(Default)]
pub(super) struct Roots(RwLock<Arc<Vec<Felt>>>);

impl Roots {
    /// A table for transforms of `2^log_len` elements, or a larger one.
    fn at_least(&self, log_len: u32) -> Arc<Vec<Felt>> {
        let table = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if table.len() >> log_len > 0 {
            return table;
        }
        let mut grown = vec![Felt::ONE; 1 << log_len];
        for log_half in 0..log_len {
            let half = 1 << log_half;
            fill_powers(
                &mut grown[half..2 * half],
                Felt::ONE,
                subgroup_generator(log_half + 1),
            );
        }
        let grown = Arc::new(grown);
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() < grown.len() {
            *table = Arc::clone(&grown);
        }
        grown
    }

    /// The twiddles of the transform on a coset of `n` points. The layer that joins polynomials of `half` coefficients
    /// to polynomials of `2 half` evaluates on the coset of `shift^(n / 2 half)`, so element `half + j` is
    /// `shift^(n / 2 half) g^j`.
    pub(super) fn twiddles(&self, coset: Coset) -> Vec<Felt> {
        let roots = self.at_least(coset.log_len);
        let mut twiddles = vec![Felt::ONE; coset.len()];
        let mut shift = coset.shift;
        for log_half in (0..coset.log_len).rev() {
            let layer = 1 << log_half..2 << log_half;
            twiddles[layer.clone()]
                .par_iter_mut()
                .zip(&roots[layer])
                .with_min_len(CHUNK)
                .for_each(|(twiddle, root)| *twiddle = *root * shift);
            shift.square_in_place();
        }
        twiddles
    }
}
