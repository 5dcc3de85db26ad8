// Digests of 32 bytes, and what of them a masked hash keeps.
#pragma once
#include "felt.cuh"

// The bytes in order, eight to a little-endian word.
struct alignas(16) Digest {
    u64 word[4];
};

// A number of 256 bits, from its big-endian bytes and back.
DEVICE Felt number_of_digest(Digest digest) {
    Felt number;
    UNROLL for (int i = 0; i < 4; i++) {
        const u64 limbs = reverse_bytes(digest.word[3 - i]);
        number.limb[2 * i] = (u32)limbs;
        number.limb[2 * i + 1] = (u32)(limbs >> 32);
    }
    return number;
}

DEVICE Digest digest_of_number(Felt number) {
    Digest digest;
    UNROLL for (int i = 0; i < 4; i++) {
        digest.word[3 - i] = reverse_bytes((u64)number.limb[2 * i + 1] << 32 | number.limb[2 * i]);
    }
    return digest;
}

// The element of any number modulo p.
DEVICE Felt felt_of_number(Felt number) { return felt_mul(felt_r_squared(), number); }

// The number below p that an element stands for.
DEVICE Felt number_of_felt(Felt a) {
    u32 t[16];
    UNROLL for (int i = 0; i < 8; i++) {
        t[i] = a.limb[i];
        t[8 + i] = 0;
    }
    return felt_reduce_wide(t);
}

DEVICE Digest digest_and(Digest digest, Digest mask) {
    Digest masked;
    UNROLL for (int i = 0; i < 4; i++) masked.word[i] = digest.word[i] & mask.word[i];
    return masked;
}
