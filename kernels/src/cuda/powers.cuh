// Powers of one element, given by its repeated squares.
#pragma once
#include "felt.cuh"

// Element `i` is `a^(2^i)`.
struct Squares {
    Felt square[32];
};

// `a^exponent`.
DEVICE Felt felt_power(const Squares& of, u32 exponent) {
    Felt power = felt_one();
    NO_UNROLL for (u32 i = 0; exponent >> i; i++) {
        if (exponent >> i & 1) power = felt_mul(power, of.square[i]);
    }
    return power;
}

// The powers `g^e`, `0 <= e < 2^log_len`, of a generator of the subgroup of that size, as products of an entry for the
// low bits of `e` and one for the others.
struct Roots {
    const Felt* low;
    const Felt* high;
    u32 log_low;
    u32 log_len;
};

DEVICE Felt root(const Roots& roots, u32 exponent) {
    const u32 mask = (1u << roots.log_low) - 1;
    return felt_mul(roots.high[exponent >> roots.log_low], roots.low[exponent & mask]);
}

// `g^-exponent`.
DEVICE Felt inverse_root(const Roots& roots, u32 exponent) {
    return root(roots, (0u - exponent) & (u32)((1ull << roots.log_len) - 1));
}
