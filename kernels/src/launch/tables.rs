//! The tables that kernels read.

use crate::felt::{Felt, subgroup_generator};
use crate::hash::{pedersen, poseidon};
use ark_ff::{AdditiveGroup, Field};

/// `first * ratio^i`.
pub(crate) fn powers(first: Felt, ratio: Felt) -> impl Iterator<Item = Felt> {
    std::iter::successors(Some(first), move |power| Some(*power * ratio))
}

/// Twiddles for transforms of `2^log_tile` elements: entry `half + j` is `g^j`, or its inverse, where `g` has order
/// `2 half`.
pub(crate) fn twiddles(log_tile: u32, inverse: bool) -> Vec<Felt> {
    let mut twiddles = vec![Felt::ONE];
    for log_half in 0..log_tile {
        let g = subgroup_generator(log_half + 1);
        let g = if inverse {
            g.inverse().unwrap_or_default()
        } else {
            g
        };
        twiddles.extend(powers(Felt::ONE, g).take(1 << log_half));
    }
    twiddles
}

/// Logarithm of the number of entries in [`roots`] for the low bits of an exponent.
pub(crate) fn log_low(log_len: u32) -> u32 {
    log_len / 2
}

/// Factors of the powers of the generator of the subgroup of `2^log_len` elements. Each power is the product of an
/// entry for the low bits of the exponent and an entry for the high bits; the latter entries follow the former.
pub(crate) fn roots(log_len: u32) -> Vec<Felt> {
    let log_low = log_low(log_len);
    let g = subgroup_generator(log_len);
    let low = powers(Felt::ONE, g).take(1 << log_low);
    let high = powers(Felt::ONE, g.pow([1 << log_low])).take(1 << (log_len - log_low));
    low.chain(high).collect()
}

/// Maximum bytes of the tables, for work on tables of columns of up to `largest_table` elements: the roots of every
/// order, and the tables of constant size.
pub(crate) fn margin(largest_table: usize) -> u64 {
    /// Pedersen's points take a megabyte; the encoded program of the largest layout, twiddles, scales and the like take
    /// less.
    const OTHERS: u64 = 4 << 20;
    let n_roots = |log_len: u32| (1u64 << log_low(log_len)) + (1u64 << (log_len - log_low(log_len)));
    let n_roots: u64 = (0..=largest_table.max(1).ilog2()).map(n_roots).sum();
    OTHERS + n_roots * size_of::<Felt>() as u64
}

/// The constants of Poseidon's rounds, in order.
pub(crate) fn poseidon_constants() -> Vec<Felt> {
    poseidon::constants().collect()
}

/// The points of Pedersen's windows, 256 per window, as coordinates. The point at infinity is encoded as zeros.
pub(crate) fn pedersen_points() -> Vec<Felt> {
    let point =
        |point: &Option<crate::curve::Point>| point.map_or([Felt::ZERO; 2], |point| [point.x, point.y]);
    let windows = pedersen::TABLES.iter().map(|window| {
        let points = window.iter().map(point);
        points.chain(std::iter::repeat([Felt::ZERO; 2])).take(256)
    });
    windows.flatten().flatten().collect()
}
