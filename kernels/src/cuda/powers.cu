// Geometric sequences, and inverses of many elements.
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

// Inverts every element; zeros stay. A thread inverts the product of every `thread_count`-th element; `prefixes`
// has room for `n` elements.
KERNEL(256, invert, Felt* elements, Felt* prefixes, u64 n) {
    const u64 count = thread_count();
    const u64 first = thread_index();
    if (first >= n) return;
    Felt product = felt_one();
    u64 i = first;
    for (; i < n; i += count) {
        prefixes[i] = product;
        Felt element = elements[i];
        if (!felt_is_zero(element)) product = felt_mul(product, element);
    }
    Felt inverse = felt_inverse(product);
    while (i > first) {
        i -= count;
        Felt element = elements[i];
        if (felt_is_zero(element)) continue;
        elements[i] = felt_mul(inverse, prefixes[i]);
        inverse = felt_mul(inverse, element);
    }
}
