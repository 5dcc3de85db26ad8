//! Keccak-256 of eight messages at once, one 64-bit lane each: about six times the rate of the scalar permutation.

use super::{Digest, RATE, ROTATIONS, ROUND_CONSTANTS};
use std::arch::x86_64::{
    __m512i, _mm512_rolv_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_ternarylogic_epi64,
    _mm512_xor_si512,
};

/// Messages hashed at once.
pub(super) const LANES: usize = 8;

/// Words that a permutation absorbs.
const RATE_WORDS: usize = RATE / 8;

/// The digests of [`LANES`] messages of equal length, which are concatenated in `messages`.
#[target_feature(enable = "avx512f")]
pub(super) fn keccak256(messages: &[u8]) -> [Digest; LANES] {
    let len = messages.len() / LANES;
    let mut state = [_mm512_setzero_si512(); 25];
    for start in (0..=len).step_by(RATE) {
        let mut block = [[0u64; LANES]; RATE_WORDS];
        for (lane, message) in messages.chunks_exact(len).enumerate() {
            let rest = &message[start..];
            let mut last = [0; RATE];
            let bytes = rest.first_chunk().unwrap_or_else(|| {
                last[..rest.len()].copy_from_slice(rest);
                last[rest.len()] = 0x01;
                last[RATE - 1] |= 0x80;
                &last
            });
            for (words, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
                words[lane] = u64::from_le_bytes(*bytes);
            }
        }
        for (word, lanes) in state.iter_mut().zip(block) {
            *word = _mm512_xor_si512(*word, from_lanes(lanes));
        }
        permute(&mut state);
    }
    let mut digests = [[0; 32]; LANES];
    for (i, word) in state[..4].iter().enumerate() {
        for (digest, lane) in digests.iter_mut().zip(to_lanes(*word)) {
            digest[8 * i..8 * i + 8].copy_from_slice(&lane.to_le_bytes());
        }
    }
    digests
}

fn from_lanes(lanes: [u64; LANES]) -> __m512i {
    // SAFETY: both types have 64 bytes without padding, and every bit pattern is a value.
    unsafe { std::mem::transmute(lanes) }
}

fn to_lanes(word: __m512i) -> [u64; LANES] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(word) }
}

/// Keccak-f[1600] on every lane (FIPS 202, 3.3; the steps are named as there).
#[target_feature(enable = "avx512f")]
fn permute(state: &mut [__m512i; 25]) {
    /// a ^ b ^ c.
    const PARITY: i32 = 0x96;
    /// a ^ (!b & c).
    const CHI: i32 = 0xd2;
    let mut a = *state;
    for constant in ROUND_CONSTANTS {
        let mut parities = [a[0]; 5];
        for x in 0..5 {
            let sum = _mm512_ternarylogic_epi64::<PARITY>(a[x], a[x + 5], a[x + 10]);
            parities[x] = _mm512_ternarylogic_epi64::<PARITY>(sum, a[x + 15], a[x + 20]);
        }
        let mut b = a;
        for x in 0..5 {
            let rotated = _mm512_rolv_epi64(parities[(x + 1) % 5], _mm512_set1_epi64(1));
            for y in 0..5 {
                let i = x + 5 * y;
                let theta = _mm512_ternarylogic_epi64::<PARITY>(a[i], parities[(x + 4) % 5], rotated);
                let rho = _mm512_rolv_epi64(theta, _mm512_set1_epi64(ROTATIONS[y][x] as i64));
                b[y + 5 * ((2 * x + 3 * y) % 5)] = rho;
            }
        }
        for y in 0..5 {
            for x in 0..5 {
                let (next, after) = (b[(x + 1) % 5 + 5 * y], b[(x + 2) % 5 + 5 * y]);
                a[x + 5 * y] = _mm512_ternarylogic_epi64::<CHI>(b[x + 5 * y], next, after);
            }
        }
        a[0] = _mm512_xor_si512(a[0], _mm512_set1_epi64(constant as i64));
    }
    *state = a;
}
