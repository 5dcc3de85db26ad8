// Elements of any size, four bytes at a time.
#pragma once
#include "platform.cuh"

// Element `i` of `out` is element `indices[i]` of `from`; elements have `n_words` words of four bytes.
KERNEL(256, gather, const u32* from, const u64* indices, u32* out, u64 n, u32 n_words) {
    const u64 word = thread_index();
    if (word >= n * n_words) return;
    out[word] = from[indices[word / n_words] * n_words + word % n_words];
}
