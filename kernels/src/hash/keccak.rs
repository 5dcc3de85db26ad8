//! Keccak-256 with the original padding (Ethereum's, not SHA-3's).

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
