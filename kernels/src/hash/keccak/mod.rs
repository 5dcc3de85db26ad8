//! Keccak-256 with the original padding (Ethereum's, not SHA-3's).

#[cfg(target_arch = "x86_64")]
mod avx512;

use super::Digest;

/// Bytes absorbed by a permutation.
const RATE: usize = 136;

/// The round constants of `Keccak-f[1600]` (FIPS 202, 3.2.5).
pub const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// The rotation of the lane in row `y`, column `x` of the state (FIPS 202, 3.2.2).
pub const ROTATIONS: [[usize; 5]; 5] = [
    [0, 1, 62, 28, 27],
    [36, 44, 6, 55, 20],
    [3, 10, 43, 25, 39],
    [41, 45, 15, 21, 8],
    [18, 2, 61, 56, 14],
];

/// Hashes bytes.
pub fn keccak256(bytes: &[u8]) -> Digest {
    let mut state = [0u64; 25];
    let (blocks, rest) = bytes.as_chunks::<RATE>();
    let mut last = [0u8; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x01;
    last[RATE - 1] |= 0x80;
    keccak::Keccak::new().with_f1600(|permute| {
        for block in blocks.iter().chain([&last]) {
            for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
                *lane ^= u64::from_le_bytes(*bytes);
            }
            permute(&mut state);
        }
    });
    let mut digest = [0; 32];
    for (bytes, lane) in digest.as_chunks_mut::<8>().0.iter_mut().zip(&state) {
        *bytes = lane.to_le_bytes();
    }
    digest
}

/// Hashes every message of `len` bytes in `messages`, eight at once if the processor has AVX-512.
pub fn keccak256_many(messages: &[u8], len: usize, digests: &mut [Digest]) {
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        let (groups, _) = digests.as_chunks_mut::<{ avx512::LANES }>();
        for (digests, messages) in groups.iter_mut().zip(messages.chunks_exact(avx512::LANES * len)) {
            // SAFETY: the processor has AVX-512F.
            *digests = unsafe { avx512::keccak256(messages) };
            done += avx512::LANES;
        }
    }
    for (digest, message) in digests.iter_mut().zip(messages.chunks_exact(len)).skip(done) {
        *digest = keccak256(message);
    }
}
