// Geometric sequences.
#pragma once
#include "powers.cuh"

// Element `i` of `out` becomes `first * ratio^i - minus`.
KERNEL(256, powers, Felt* out, u64 n, Felt first, Felt minus, Squares ratio) {
    const u64 count = thread_count();
    u64 i = thread_index();
    if (i >= n) return;
    Felt power = felt_mul(first, felt_power(ratio, (u32)i));
    const Felt stride = felt_power(ratio, (u32)count);
    for (; i < n; i += count) {
        out[i] = felt_sub(power, minus);
        power = felt_mul(power, stride);
    }
}
