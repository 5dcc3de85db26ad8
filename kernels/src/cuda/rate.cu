// What the card's multipliers do when nothing else is asked of them.
#pragma once
#include "felt.cuh"

// Every thread multiplies `4 * rounds` times, four products at a time that do not wait for each other.
KERNEL(256, multiply, Felt* elements, u32 rounds) {
    const u64 i = thread_index();
    Felt a = elements[i];
    Felt b = felt_add(a, felt_one());
    Felt c = felt_add(b, felt_one());
    Felt d = felt_add(c, felt_one());
    NO_UNROLL for (u32 round = 0; round < rounds; round++) {
        const Felt ab = felt_mul(a, b), bc = felt_mul(b, c), cd = felt_mul(c, d), da = felt_mul(d, a);
        a = ab;
        b = bc;
        c = cd;
        d = da;
    }
    elements[i] = felt_add(felt_add(a, b), felt_add(c, d));
}
