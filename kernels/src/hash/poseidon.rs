//! Poseidon over the Starknet field: a state of three elements, 8 full and 83 partial rounds, S-box `x^3`.

use crate::felt::limbs::{Limbs, add, mul_lazy, sub_lazy, to_felt};
use crate::felt::{self, Felt};
use ark_ff::{AdditiveGroup, Field};
use sha2::Digest as _;
use std::borrow::Borrow;
use std::sync::LazyLock;

/// Number of full rounds, which apply the S-box to every element: half before and half after the partial rounds.
pub const FULL_ROUNDS: usize = 8;

/// Number of partial rounds, which apply the S-box to the last element only.
pub const PARTIAL_ROUNDS: usize = 83;

/// The published round constants, one row per round.
pub static ROUND_CONSTANTS: LazyLock<Vec<[Felt; 3]>> = LazyLock::new(|| {
    let constant = |i: usize| felt::from_bytes_reduced(&sha2::Sha256::digest(format!("Hades{i}")).into());
    let rounds = 0..FULL_ROUNDS + PARTIAL_ROUNDS;
    rounds
        .map(|round| [0, 1, 2].map(|element| constant(3 * round + element)))
        .collect()
});

/// Constants of an equivalent permutation with one constant per partial round.
struct Rounds {
    first: Vec<[Felt; 3]>,
    partial: Vec<Felt>,
    last: Vec<[Felt; 3]>,
}

/// In a partial round, the constants of the first two elements only pass through the mix. So they are moved to the next
/// round's constants, and those of the last partial round to the full round that follows.
static ROUNDS: LazyLock<Rounds> = LazyLock::new(|| {
    let (first, rest) = ROUND_CONSTANTS.split_at(FULL_ROUNDS / 2);
    let (partial, last) = rest.split_at(PARTIAL_ROUNDS);
    let mut carried = [Felt::ZERO; 3];
    let mut plus_carried = |constants: &[Felt; 3]| {
        let sum = [0, 1, 2].map(|i| constants[i] + carried[i]);
        carried = mix(&[sum[0].0.0, sum[1].0.0, [0; 4]]);
        sum
    };
    let partial = partial
        .iter()
        .map(|constants| plus_carried(constants)[2])
        .collect();
    let mut last = last.to_vec();
    last[0] = plus_carried(&last[0]);
    Rounds {
        first: first.to_vec(),
        partial,
        last,
    }
});

/// The constants of [`permute`]'s rounds in order: three per full round, one per partial round.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub(crate) fn constants() -> impl Iterator<Item = Felt> {
    let rounds = &*ROUNDS;
    let [first, last] = [&rounds.first, &rounds.last].map(|rounds| rounds.as_flattened());
    first.iter().chain(&rounds.partial).chain(last).copied()
}

/// The linear layer, the matrix `[[3, 1, 1], [1, -1, 1], [1, 1, -2]]`, for elements up to `2 p`.
#[inline(always)]
fn mix([a, b, c]: &[Limbs; 3]) -> [Felt; 3] {
    let first = add(&add(&add(a, a), a), &add(b, c));
    let second = sub_lazy(&add(a, c), b);
    let third = sub_lazy(&sub_lazy(&add(a, b), c), c);
    [to_felt(&first), to_felt(&second), to_felt(&third)]
}

/// `(x + constant)^3`, below `2 p`.
#[inline(always)]
fn cube(x: &Felt, constant: &Felt) -> Limbs {
    let x = add(&x.0.0, &constant.0.0);
    mul_lazy(&x, &mul_lazy(&x, &x))
}

fn full_round(state: &mut [Felt; 3], constants: &[Felt; 3]) {
    *state = mix(&[0, 1, 2].map(|i| cube(&state[i], &constants[i])));
}

/// The permutation.
pub fn permute(state: &mut [Felt; 3]) {
    let rounds = &*ROUNDS;
    for constants in &rounds.first {
        full_round(state, constants);
    }
    for constant in &rounds.partial {
        *state = mix(&[state[0].0.0, state[1].0.0, cube(&state[2], constant)]);
    }
    for constants in &rounds.last {
        full_round(state, constants);
    }
}

/// Hashes two elements: the permutation of `(a, b, 2)`.
pub fn hash_two(a: Felt, b: Felt) -> Felt {
    let mut state = [a, b, Felt::from(2u64)];
    permute(&mut state);
    state[0]
}

/// Hashes any number of elements with a sponge that absorbs two at a time, padded with 1 and zeros.
pub fn hash_many(elements: impl IntoIterator<Item: Borrow<Felt>>) -> Felt {
    let mut state = [Felt::ZERO; 3];
    let mut place = 0;
    for element in elements {
        state[place] += element.borrow();
        if place == 1 {
            permute(&mut state);
        }
        place = 1 - place;
    }
    state[place] += Felt::ONE;
    permute(&mut state);
    state[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn felt(text: &str) -> Felt {
        felt::from_hex(text).unwrap()
    }

    /// The permutation computed from its definition, with the published constants.
    fn permute_plainly(state: &mut [Felt; 3]) {
        for (round, constants) in ROUND_CONSTANTS.iter().enumerate() {
            let full = !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round);
            let s = [0, 1, 2].map(|i| {
                let x = state[i] + constants[i];
                if full || i == 2 { x.pow([3]) } else { x }
            });
            let sum = s[0] + s[1] + s[2];
            *state = [
                sum + s[0].double(),
                sum - s[1].double(),
                sum - s[2] * Felt::from(3u64),
            ];
        }
    }

    #[test]
    fn the_fast_permutation_is_the_plain_one() {
        let mut fast = [Felt::ZERO, -Felt::ONE, Felt::from(7u64)];
        for _ in 0..20 {
            let mut plain = fast;
            permute(&mut fast);
            permute_plainly(&mut plain);
            assert_eq!(fast, plain);
        }
    }

    #[test]
    fn published_vectors() {
        // The permutation of zeros, from the reference implementation.
        let mut state = [Felt::ZERO; 3];
        permute(&mut state);
        assert_eq!(
            state[0],
            felt("0x79e8d1e78258000a28fc9d49e233bc6852357968577b1e386550ed6a9086133")
        );
        assert_eq!(
            hash_two(
                felt("0x23a77118133287637ebdcd9e87a1613e443df789558867f5ba91faf7a024204"),
                felt("0x259f432e6f4590b9a164106cf6a659eb4862b21fb97d43588561712e8e5216a"),
            ),
            felt("0x4be9af45b942b4b0c9f04a15e37b7f34f8109873ef7ef20e9eef8a38a3011e1"),
        );
        // cairo-lang's test_poseidon_hash_many_random.
        let elements = [
            "0x6d841133e95d568a98362ae077545482f1b508cb48645f296de72f05f1e6afe",
            "0x23a4459537f5b7fa228d32336a00f9b241289e3c69fb3527e0614c4e77bb376",
            "0x7c187057c013dd3a6d8ce76683cd7875d236ca396204922122a10a77cef6f2a",
            "0x396f0205dbcda22900af19938d0607f8f9acc9c7a4c8d75fc19b5a1ede874b0",
            "0x48499957377c0df2c671fd1fcb6501b42fb63045ed8d16df08d55ab144e7ab8",
        ]
        .map(felt);
        assert_eq!(
            hash_many(elements),
            felt("0x6c8e43870377cbf91153caed2091bb49ea60401045eccc2e4cc9bbf35218891"),
        );
    }
}
