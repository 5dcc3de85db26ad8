// Proof of work: one nonce a thread, the lowest that will do.
#pragma once
#include "blake2s.cuh"
#include "keccak.cuh"

// The prefix, and the nonce as eight big-endian bytes.
struct NonceLanes {
    Digest prefix;
    u64 nonce;
    DEVICE_MEMBER u64 operator()(u32 i) const { return i < 4 ? prefix.word[i & 3] : reverse_bytes(nonce); }
};

struct NonceWords {
    Digest prefix;
    u64 nonce;
    DEVICE_MEMBER u32 operator()(u32 i) const {
        const u64 word = i < 8 ? prefix.word[i / 2 & 3] : reverse_bytes(nonce);
        return (u32)(word >> 32 * (i % 2));
    }
};

// `lowest` becomes the least of itself and the nonces from `first` on, one a thread, whose digest begins with `bits`
// zero bits.
#define GRIND(name, hash)                                                                       \
    KERNEL(128, name, Digest prefix, Digest mask, u64 first, u32 bits, u64* lowest) {           \
        const u64 nonce = first + thread_index();                                               \
        const u64 head = reverse_bytes(digest_and(hash, mask).word[0]);                         \
        if (leading_zeros(head) >= bits) atomic_minimum(lowest, nonce);                         \
    }

GRIND(grind_keccak, keccak256(NonceLanes{prefix, nonce}, 5))
GRIND(grind_blake2s, blake2s256(NonceWords{prefix, nonce}, 10))
