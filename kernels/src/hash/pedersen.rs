//! The Pedersen hash: the x coordinate of `SHIFT` plus the points that the bits of both elements select.

use super::Digest;
use crate::curve::{self, Point};
use crate::felt::{self, Felt};
use ark_ff::{AdditiveGroup, MontFp};
use std::sync::LazyLock;

/// The point that every sum starts from.
pub const SHIFT: Point = Point {
    x: MontFp!("2089986280348253421170679821480865132823066470938446095505822317253594081284"),
    y: MontFp!("1713931329540660377023406109199410414810705867260802078187082345529207694986"),
};

/// Number of bits of an element.
pub const N_BITS: usize = 252;

/// Number of low bits of an element, whose points are multiples of its first base. The points of the other bits are
/// multiples of its second base.
const N_LOW_BITS: usize = 248;

/// The published bases: two for the first element, two for the second.
const BASES: [[Point; 2]; 2] = [
    [
        Point {
            x: MontFp!("996781205833008774514500082376783249102396023663454813447423147977397232763"),
            y: MontFp!("1668503676786377725805489344771023921079126552019160156920634619255970485781"),
        },
        Point {
            x: MontFp!("2251563274489750535117886426533222435294046428347329203627021249169616184184"),
            y: MontFp!("1798716007562728905295480679789526322175868328062420237419143593021674992973"),
        },
    ],
    [
        Point {
            x: MontFp!("2138414695194151160943305727036575959195309218611738193261179310511854807447"),
            y: MontFp!("113410276730064486255102093846540133784865286929052426931474106396135072156"),
        },
        Point {
            x: MontFp!("2379962749567351885752724891227938183011949129833673362440656643086021394946"),
            y: MontFp!("776496453633298175483985398648758586525933812536653089401905292063708816422"),
        },
    ],
];

/// The point that each bit adds: the bits of the first element, then those of the second, lowest first.
pub static POINTS: LazyLock<Vec<Point>> = LazyLock::new(|| {
    let runs = BASES
        .iter()
        .flat_map(|[low, high]| [(low, N_LOW_BITS), (high, N_BITS - N_LOW_BITS)]);
    runs.flat_map(|(base, n)| std::iter::successors(Some(*base), Point::double).take(n))
        .collect()
});

/// Bits per window. The bits of a window select a point of its table.
const WINDOW: usize = 8;

/// Windows per element.
const N_WINDOWS: usize = N_BITS.div_ceil(WINDOW);

/// For every window, the sums of its points, indexed by its bits. The shift is included in the last window's sums, so
/// that a hash is a sum of `2 * N_WINDOWS` points: a power of two.
pub(crate) static TABLES: LazyLock<Vec<Vec<Option<Point>>>> = LazyLock::new(|| {
    let windows = POINTS.chunks(N_BITS).flat_map(|element| element.chunks(WINDOW));
    let mut tables = vec![vec![None]; 2 * N_WINDOWS];
    tables[2 * N_WINDOWS - 1] = vec![Some(SHIFT)];
    for (table, window) in tables.iter_mut().zip(windows) {
        for point in window {
            let pairs: Vec<_> = table.iter().flat_map(|sum| [*sum, Some(*point)]).collect();
            table.extend(curve::add_pairs(&pairs));
        }
    }
    tables
});

/// Hashes pairs of elements. A batch shares its inversions and costs a tenth of single hashes.
pub fn hash_pairs(pairs: &[[Felt; 2]]) -> Vec<Felt> {
    // Enough to share an inversion, few enough for the cache.
    const BATCH: usize = 64;
    pairs.chunks(BATCH).flat_map(hash_batch).collect()
}

fn hash_batch(pairs: &[[Felt; 2]]) -> Vec<Felt> {
    let mut points = Vec::with_capacity(2 * N_WINDOWS * pairs.len());
    for pair in pairs {
        let windows = pair.iter().flat_map(|element| {
            let bytes = felt::to_standard_bytes(element);
            bytes.into_iter().rev()
        });
        points.extend(
            TABLES
                .iter()
                .zip(windows)
                .map(|(table, byte)| table[usize::from(byte)]),
        );
    }
    while points.len() > pairs.len() {
        points = curve::add_pairs(&points);
    }
    // A sum at infinity would be a relation between the published points; no such relation is known.
    points
        .iter()
        .map(|sum| sum.map_or(Felt::ZERO, |point| point.x))
        .collect()
}

/// Hashes two elements.
pub fn hash(a: Felt, b: Felt) -> Felt {
    hash_batch(&[[a, b]])[0]
}

/// The chain `hash(e_0, hash(e_1, .. hash(e_(n-2), e_(n-1))))`: cairo-lang's `compute_hash_chain`. 0 for no
/// elements.
pub fn hash_chain(elements: &[Felt]) -> Felt {
    elements
        .iter()
        .rev()
        .copied()
        .reduce(|state, element| hash(element, state))
        .unwrap_or_default()
}

/// The chain `hash(hash(.. hash(hash(0, e_0), e_1) .., e_(n-1)), n)`: cairo-lang's `compute_hash_on_elements`.
pub fn hash_elements(elements: &[Felt]) -> Felt {
    let state = elements
        .iter()
        .fold(Felt::ZERO, |state, element| hash(state, *element));
    hash(state, Felt::from(elements.len() as u64))
}

/// Hashes messages of 32-byte words, all of the same length, as Stone does: [`hash_elements`] of the words modulo p,
/// where the quotient of each word by p is added to the state after that word.
pub(super) fn hash_words_many(mut messages: Vec<impl ExactSizeIterator<Item = Digest>>) -> Vec<Felt> {
    let n_words = messages.first().map_or(0, |words| words.len());
    let mut states = vec![Felt::ZERO; messages.len()];
    for _ in 0..n_words {
        let words: Vec<Digest> = messages.iter_mut().filter_map(Iterator::next).collect();
        let pairs = states
            .iter()
            .zip(&words)
            .map(|(state, word)| [*state, felt::from_bytes_reduced(word)]);
        states = hash_pairs(&pairs.collect::<Vec<_>>());
        for (state, word) in states.iter_mut().zip(&words) {
            *state += Felt::from(felt::quotient_of_bytes(word));
        }
    }
    let length = Felt::from(n_words as u64);
    hash_pairs(
        &states
            .into_iter()
            .map(|state| [state, length])
            .collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{BigInteger, Field, PrimeField};

    fn felt(text: &str) -> Felt {
        felt::from_hex(text).unwrap()
    }

    /// The hash computed from its definition.
    fn hash_plainly(a: Felt, b: Felt) -> Felt {
        let bits = [a, b].map(|element| element.into_bigint().to_bits_le());
        let chosen = bits.iter().flat_map(|bits| &bits[..N_BITS]).zip(POINTS.iter());
        let sum = chosen
            .filter(|(bit, _)| **bit)
            .fold(SHIFT, |sum, (_, point)| sum.add(point).unwrap());
        sum.x
    }

    #[test]
    fn the_points_lie_on_the_curve() {
        assert_eq!(POINTS.len(), 2 * N_BITS);
        assert!(POINTS.iter().chain([&SHIFT]).all(Point::is_on_curve));
        // Stone's table contains this point.
        assert_eq!(
            POINTS[1].x,
            felt("0x3909690e1123c80678a7ba0fde0e8447f6f02b3f6b960034d1e93524f8b476")
        );
    }

    #[test]
    fn the_fast_hash_is_the_plain_one() {
        let mut pairs = vec![
            [Felt::ZERO; 2],
            [-Felt::ONE, Felt::ONE],
            [Felt::from(256u64), -Felt::ONE],
        ];
        for i in 0..67 {
            let [a, b] = pairs[i];
            pairs.push([hash_plainly(a, b), hash_plainly(b, a) + Felt::ONE]);
        }
        let expected: Vec<_> = pairs.iter().map(|[a, b]| hash_plainly(*a, *b)).collect();
        assert_eq!(hash_pairs(&pairs), expected);
        assert_eq!(hash(pairs[9][0], pairs[9][1]), expected[9]);
    }

    #[test]
    fn published_vectors() {
        // starkware-libs/starkex-resources, signature_test_data.json.
        assert_eq!(
            hash(
                felt("0x3d937c035c878245caf64531a5756109c53068da139362728feb561405371cb"),
                felt("0x208a0a10250e382e1e4bbe2880906c2791bf6275695e02fbbc6aeff9cd8b31a"),
            ),
            felt("0x30e480bed5fe53fa909cc0f8c4d99b8f9f2c016be4c41e13a4848797979c662"),
        );
        assert_eq!(hash(Felt::ZERO, Felt::ZERO), SHIFT.x);
        assert_eq!(hash_elements(&[]), SHIFT.x);
        let [a, b, c] = [3u64, 5, 7].map(Felt::from);
        assert_eq!(hash_chain(&[a, b, c]), hash(a, hash(b, c)));
        assert_eq!(
            hash_elements(&[a, b]),
            hash(hash(hash(Felt::ZERO, a), b), Felt::from(2u64))
        );
    }
}
