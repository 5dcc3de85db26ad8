// Folding: element `i` meets its opposite, half a column on.
#pragma once
#include "powers.cuh"

// Column `c` of `out`, `half` long: `(low + high) + (low - high) * factors[c] * g^-i`.
KERNEL(256, fold, const Felt* layer, const Felt* factors, Felt* out, u64 half, Roots roots) {
    const u64 i = thread_index();
    if (i >= half) return;
    const Felt* column = layer + 2 * half * blockIdx.y;
    const Felt low = column[i], high = column[half + i];
    const Felt weight = felt_mul(factors[blockIdx.y], inverse_root(roots, (u32)i));
    out[half * blockIdx.y + i] = felt_add(felt_add(low, high), felt_mul(felt_sub(low, high), weight));
}

// Rows `phase, phase + 2, ..` of two columns of `2 half` rows: `(low + high) / 2`, and `(low - high) * factor * g^-i`.
KERNEL(256, split_even_odd, const Felt* column, Felt* out, u64 half, u32 phase, Felt one_half, Felt factor,
       Roots roots) {
    const u64 i = thread_index();
    if (i >= half) return;
    const Felt low = column[i], high = column[half + i];
    const Felt weight = felt_mul(factor, inverse_root(roots, (u32)i));
    out[2 * i + phase] = felt_mul(felt_add(low, high), one_half);
    out[2 * half + 2 * i + phase] = felt_mul(felt_sub(low, high), weight);
}
