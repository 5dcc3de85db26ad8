//! Keccak-256 with the original padding (Ethereum's, not SHA-3's).

#[cfg(target_arch = "x86_64")]
mod avx512;

use super::Digest;

/// Bytes absorbed by a permutation.
const RATE: usize = 136;

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

/// Hashes every message of `len` bytes in `messages`, eight at once where the processor has AVX-512.
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
