// Chains of carries: the instructions that C++ has no words for.
//
// On a card the carry is a flag of the machine and `Carry` is empty; the statements are volatile, so that they stay
// in order. In the portable twin the flag is in the `Carry`.
#pragma once
#include "platform.cuh"

#ifdef __CUDACC__

struct Carry {};

#define CARRY_OF_TWO(name, instruction)                                                     \
    DEVICE u32 name(u32 a, u32 b, Carry&) {                                                 \
        u32 r;                                                                              \
        asm volatile(instruction " %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));                \
        return r;                                                                           \
    }
#define CARRY_OF_THREE(name, instruction)                                                   \
    DEVICE u32 name(u32 a, u32 b, u32 c, Carry&) {                                          \
        u32 r;                                                                              \
        asm volatile(instruction " %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c));    \
        return r;                                                                           \
    }

// `a + b`, with the carry into the sum (`_in`), out of it (`_out`), or both.
CARRY_OF_TWO(add_out, "add.cc.u32")
CARRY_OF_TWO(add_in_out, "addc.cc.u32")
CARRY_OF_TWO(add_in, "addc.u32")
// `a - b`; the carry is a borrow.
CARRY_OF_TWO(sub_out, "sub.cc.u32")
CARRY_OF_TWO(sub_in_out, "subc.cc.u32")
CARRY_OF_TWO(sub_in, "subc.u32")
// The low or high half of `a * b`, plus `c`.
CARRY_OF_THREE(mad_low_out, "mad.lo.cc.u32")
CARRY_OF_THREE(mad_low_in_out, "madc.lo.cc.u32")
CARRY_OF_THREE(mad_high_in_out, "madc.hi.cc.u32")

#else

struct Carry {
    u32 bit = 0;
};

DEVICE u32 carry_sum(u64 sum, Carry& carry) {
    carry.bit = (u32)(sum >> 32) & 1;
    return (u32)sum;
}
DEVICE u32 add_out(u32 a, u32 b, Carry& carry) { return carry_sum((u64)a + b, carry); }
DEVICE u32 add_in_out(u32 a, u32 b, Carry& carry) { return carry_sum((u64)a + b + carry.bit, carry); }
DEVICE u32 add_in(u32 a, u32 b, Carry& carry) { return a + b + carry.bit; }
DEVICE u32 sub_out(u32 a, u32 b, Carry& carry) { return carry_sum((u64)a - b, carry); }
DEVICE u32 sub_in_out(u32 a, u32 b, Carry& carry) { return carry_sum((u64)a - b - carry.bit, carry); }
DEVICE u32 sub_in(u32 a, u32 b, Carry& carry) { return a - b - carry.bit; }
DEVICE u32 mad_low_out(u32 a, u32 b, u32 c, Carry& carry) { return carry_sum((u64)(a * b) + c, carry); }
DEVICE u32 mad_low_in_out(u32 a, u32 b, u32 c, Carry& carry) {
    return carry_sum((u64)(a * b) + c + carry.bit, carry);
}
DEVICE u32 mad_high_in_out(u32 a, u32 b, u32 c, Carry& carry) {
    return carry_sum(((u64)a * b >> 32) + c + carry.bit, carry);
}

#endif
