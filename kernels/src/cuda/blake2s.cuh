// Blake2s-256 without a key.
#pragma once
#include "digest.cuh"

#define BLAKE2S_IV {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

DEVICE void blake2s_mix(u32& a, u32& b, u32& c, u32& d, u32 x, u32 y) {
    a = a + b + x;
    d = rotate_right(d ^ a, 16);
    c = c + d;
    b = rotate_right(b ^ c, 12);
    a = a + b + y;
    d = rotate_right(d ^ a, 8);
    c = c + d;
    b = rotate_right(b ^ c, 7);
}

// One round; the arguments are the order in which it takes the message's words.
#define BLAKE2S_ROUND(v, m, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    blake2s_mix(v[0], v[4], v[8], v[12], m[s0], m[s1]);                                          \
    blake2s_mix(v[1], v[5], v[9], v[13], m[s2], m[s3]);                                          \
    blake2s_mix(v[2], v[6], v[10], v[14], m[s4], m[s5]);                                         \
    blake2s_mix(v[3], v[7], v[11], v[15], m[s6], m[s7]);                                         \
    blake2s_mix(v[0], v[5], v[10], v[15], m[s8], m[s9]);                                         \
    blake2s_mix(v[1], v[6], v[11], v[12], m[s10], m[s11]);                                       \
    blake2s_mix(v[2], v[7], v[8], v[13], m[s12], m[s13]);                                        \
    blake2s_mix(v[3], v[4], v[9], v[14], m[s14], m[s15])

// Compresses a block; `n_bytes` counts the bytes up to its end.
DEVICE void blake2s_compress(u32* state, const u32* m, u32 n_bytes, bool last) {
    const u32 iv[8] = BLAKE2S_IV;
    u32 v[16];
    UNROLL for (int i = 0; i < 8; i++) {
        v[i] = state[i];
        v[8 + i] = iv[i];
    }
    v[12] ^= n_bytes;
    if (last) v[14] = ~v[14];
    BLAKE2S_ROUND(v, m, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    BLAKE2S_ROUND(v, m, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    BLAKE2S_ROUND(v, m, 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
    BLAKE2S_ROUND(v, m, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
    BLAKE2S_ROUND(v, m, 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
    BLAKE2S_ROUND(v, m, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
    BLAKE2S_ROUND(v, m, 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
    BLAKE2S_ROUND(v, m, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
    BLAKE2S_ROUND(v, m, 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
    BLAKE2S_ROUND(v, m, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
    UNROLL for (int i = 0; i < 8; i++) state[i] ^= v[i] ^ v[8 + i];
}

// Hashes `n_words > 0` words of four bytes; `words(i)` is word `i`.
template <class Words>
DEVICE Digest blake2s256(const Words& words, u32 n_words) {
    u32 state[8] = BLAKE2S_IV;
    // No key, and 32 bytes of digest.
    state[0] ^= 0x01010020;
    NO_UNROLL for (u32 first = 0; first < n_words; first += 16) {
        u32 block[16];
        UNROLL for (u32 i = 0; i < 16; i++) block[i] = first + i < n_words ? words(first + i) : 0;
        const bool last = first + 16 >= n_words;
        blake2s_compress(state, block, 4 * (last ? n_words : first + 16), last);
    }
    Digest digest;
    UNROLL for (int i = 0; i < 4; i++) digest.word[i] = (u64)state[2 * i + 1] << 32 | state[2 * i];
    return digest;
}
