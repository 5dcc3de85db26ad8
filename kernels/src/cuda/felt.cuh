// The Starknet field: p = 2^251 + 17 * 2^192 + 1, elements below p in Montgomery form (R = 2^256), eight 32-bit
// limbs, lowest first: the bytes that the host has.
#pragma once
#include "carry.cuh"

struct alignas(16) Felt {
    u32 limb[8];
};

// Functions take elements by value: so those in memory are read once, by 16 bytes, and not limb by limb where a limb is
// used, as references would be between the volatile statements of `carry.cuh`.

// The two limbs of p that are neither 0 nor 1 are 17 (limb 6) and 2^27 (limb 7).
#define P_LIMB_6 17u
#define P_LIMB_7 0x08000000u

DEVICE Felt felt_zero() { return Felt{{0, 0, 0, 0, 0, 0, 0, 0}}; }

// R mod p.
DEVICE Felt felt_one() {
    return Felt{{0xffffffe1, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffdf0, 0x07ffffff}};
}

DEVICE bool felt_is_zero(Felt a) {
    u32 any = 0;
    UNROLL for (int i = 0; i < 8; i++) any |= a.limb[i];
    return any == 0;
}

// `a` plus p where `mask` is all ones, for a negative `a` in two's complement.
DEVICE Felt felt_add_p(Felt a, u32 mask) {
    Felt r;
    Carry carry;
    r.limb[0] = add_out(a.limb[0], mask & 1u, carry);
    UNROLL for (int i = 1; i < 6; i++) r.limb[i] = add_in_out(a.limb[i], 0, carry);
    r.limb[6] = add_in_out(a.limb[6], mask & P_LIMB_6, carry);
    r.limb[7] = add_in(a.limb[7], mask & P_LIMB_7, carry);
    return r;
}

// `a - b`, and all ones in `borrow` if that is negative.
DEVICE Felt felt_sub_borrow(Felt a, Felt b, u32& borrow) {
    Felt r;
    Carry carry;
    r.limb[0] = sub_out(a.limb[0], b.limb[0], carry);
    UNROLL for (int i = 1; i < 8; i++) r.limb[i] = sub_in_out(a.limb[i], b.limb[i], carry);
    borrow = sub_in(0, 0, carry);
    return r;
}

DEVICE Felt felt_sub(Felt a, Felt b) {
    u32 borrow;
    Felt r = felt_sub_borrow(a, b, borrow);
    return felt_add_p(r, borrow);
}

DEVICE Felt felt_add(Felt a, Felt b) {
    // a + b < 2 p < 2^253, so nothing is lost at the top.
    Felt sum, r;
    Carry carry;
    sum.limb[0] = add_out(a.limb[0], b.limb[0], carry);
    UNROLL for (int i = 1; i < 7; i++) sum.limb[i] = add_in_out(a.limb[i], b.limb[i], carry);
    sum.limb[7] = add_in(a.limb[7], b.limb[7], carry);
    r.limb[0] = sub_out(sum.limb[0], 1, carry);
    UNROLL for (int i = 1; i < 6; i++) r.limb[i] = sub_in_out(sum.limb[i], 0, carry);
    r.limb[6] = sub_in_out(sum.limb[6], P_LIMB_6, carry);
    r.limb[7] = sub_in_out(sum.limb[7], P_LIMB_7, carry);
    u32 borrow = sub_in(0, 0, carry);
    UNROLL for (int i = 0; i < 8; i++) r.limb[i] = borrow ? sum.limb[i] : r.limb[i];
    return r;
}

// Sums may grow to 31 p, which is below 2^256, before they must be reduced: the *lazy* functions say what they keep.

// `a + b`, for a sum below 2^256.
DEVICE Felt felt_add_lazy(Felt a, Felt b) {
    Felt r;
    Carry carry;
    r.limb[0] = add_out(a.limb[0], b.limb[0], carry);
    UNROLL for (int i = 1; i < 7; i++) r.limb[i] = add_in_out(a.limb[i], b.limb[i], carry);
    r.limb[7] = add_in(a.limb[7], b.limb[7], carry);
    return r;
}

// `a - b + 2 p`, for `b` up to 2 p.
DEVICE Felt felt_sub_lazy(Felt a, Felt b) {
    Felt r;
    Carry carry;
    r.limb[0] = sub_out(a.limb[0], b.limb[0], carry);
    UNROLL for (int i = 1; i < 7; i++) r.limb[i] = sub_in_out(a.limb[i], b.limb[i], carry);
    r.limb[7] = sub_in(a.limb[7], b.limb[7], carry);
    r.limb[0] = add_out(r.limb[0], 2, carry);
    UNROLL for (int i = 1; i < 6; i++) r.limb[i] = add_in_out(r.limb[i], 0, carry);
    r.limb[6] = add_in_out(r.limb[6], 2 * P_LIMB_6, carry);
    r.limb[7] = add_in(r.limb[7], 2 * P_LIMB_7, carry);
    return r;
}

// The element that any 256 bits are congruent to.
DEVICE Felt felt_reduce(Felt a) {
    // floor(a / 2^251) is the quotient by p, or one more.
    const u32 quotient = a.limb[7] >> 27;
    const Felt multiple = {{quotient, 0, 0, 0, 0, 0, quotient * P_LIMB_6, quotient * P_LIMB_7}};
    return felt_sub(a, multiple);
}

// Adds `b` times `N` limbs of `a`, every second one, to `sum`; the products are two limbs wide, so they do not overlap.
template <int N>
DEVICE void mad_row(u32* sum, const u32* a, u32 b) {
    Carry carry;
    sum[0] = mad_low_out(a[0], b, sum[0], carry);
    sum[1] = mad_high_in_out(a[0], b, sum[1], carry);
    UNROLL for (int i = 2; i < 2 * N; i += 2) {
        sum[i] = mad_low_in_out(a[i], b, sum[i], carry);
        sum[i + 1] = mad_high_in_out(a[i], b, sum[i + 1], carry);
    }
    sum[2 * N] = add_in(sum[2 * N], 0, carry);
}

// Montgomery reduction `t / 2^256` of sixteen limbs that are below `2^256 p`: below p.
//
// With q = (t mod 2^256) / p mod 2^256, the result is (t - q p) / 2^256. As p = 1 + 2^192 m with m = 17 + 2^59, limbs 0 to
// 5 of q are those of t, and limbs 6 and 7 are those of t less the lowest two of q m. Those take nothing else in q p:
// so the subtraction goes on from there, t less q m from limb 6 on.
DEVICE Felt felt_reduce_wide(const u32* t) {
    u32 q[8], by_16[9], by_2_27[9], by_17[9], by_m[10];
    Carry carry;
    UNROLL for (int i = 0; i < 6; i++) q[i] = t[i];
    by_16[0] = q[0] << 4;
    by_16[1] = q[1] << 4 | q[0] >> 28;
    by_2_27[0] = q[0] << 27;
    by_17[0] = add_out(q[0], by_16[0], carry);
    by_17[1] = add_in(q[1], by_16[1], carry);
    q[6] = sub_out(t[6], by_17[0], carry);
    q[7] = sub_in_out(t[7], by_17[1] + by_2_27[0], carry);
    const u32 borrow = sub_in(0, 0, carry);

    UNROLL for (int i = 2; i < 8; i++) by_16[i] = q[i] << 4 | q[i - 1] >> 28;
    UNROLL for (int i = 1; i < 8; i++) by_2_27[i] = q[i] << 27 | q[i - 1] >> 5;
    by_16[8] = q[7] >> 28;
    by_2_27[8] = q[7] >> 5;
    by_17[0] = add_out(q[0], by_16[0], carry);
    UNROLL for (int i = 1; i < 8; i++) by_17[i] = add_in_out(q[i], by_16[i], carry);
    by_17[8] = add_in(by_16[8], 0, carry);
    by_m[1] = add_out(by_17[1], by_2_27[0], carry);
    UNROLL for (int i = 2; i < 9; i++) by_m[i] = add_in_out(by_17[i], by_2_27[i - 1], carry);
    by_m[9] = add_in(by_2_27[8], 0, carry);

    Felt r;
    sub_out(0, borrow, carry);
    UNROLL for (int i = 0; i < 8; i++) r.limb[i] = sub_in_out(t[8 + i], by_m[2 + i], carry);
    return felt_add_p(r, sub_in(0, 0, carry));
}

// The sum of columns that begin at even limbs and those that begin at odd ones.
DEVICE void join_columns(u32* t, const u32* even, const u32* odd) {
    Carry carry;
    t[0] = even[0];
    t[1] = add_out(even[1], odd[0], carry);
    UNROLL for (int i = 2; i < 15; i++) t[i] = add_in_out(even[i], odd[i - 1], carry);
    t[15] = add_in(even[15], odd[14], carry);
}

// Montgomery product `a b / 2^256`, below p, if one of the factors is below p; the other may be any 256 bits.
DEVICE Felt felt_mul(Felt a, Felt b) {
    u32 even[18], odd[18];
    UNROLL for (int i = 0; i < 18; i++) even[i] = odd[i] = 0;
    UNROLL for (int i = 0; i < 8; i += 2) {
        mad_row<4>(even + i, a.limb, b.limb[i]);
        mad_row<4>(odd + i, a.limb + 1, b.limb[i]);
        mad_row<4>(odd + i, a.limb, b.limb[i + 1]);
        mad_row<4>(even + i + 2, a.limb + 1, b.limb[i + 1]);
    }
    u32 t[16];
    join_columns(t, even, odd);
    return felt_reduce_wide(t);
}

// Montgomery square of a value below p, or of one whose square is below `2^256 p`: 36 products of limbs, not 64.
DEVICE Felt felt_square(Felt a) {
    const u32* limb = a.limb;
    u32 even[18], odd[18];
    UNROLL for (int i = 0; i < 18; i++) even[i] = odd[i] = 0;
    // The products of different limbs, once.
    mad_row<4>(odd, limb + 1, limb[0]);
    mad_row<3>(even + 2, limb + 2, limb[0]);
    mad_row<3>(odd + 2, limb + 2, limb[1]);
    mad_row<3>(even + 4, limb + 3, limb[1]);
    mad_row<3>(odd + 4, limb + 3, limb[2]);
    mad_row<2>(even + 6, limb + 4, limb[2]);
    mad_row<2>(odd + 6, limb + 4, limb[3]);
    mad_row<2>(even + 8, limb + 5, limb[3]);
    mad_row<2>(odd + 8, limb + 5, limb[4]);
    mad_row<1>(even + 10, limb + 6, limb[4]);
    mad_row<1>(odd + 10, limb + 6, limb[5]);
    mad_row<1>(even + 12, limb + 7, limb[5]);
    mad_row<1>(odd + 12, limb + 7, limb[6]);
    u32 t[16];
    join_columns(t, even, odd);
    // Twice that, and the squares of limbs.
    UNROLL for (int i = 15; i > 0; i--) t[i] = t[i] << 1 | t[i - 1] >> 31;
    t[0] <<= 1;
    Carry carry;
    t[0] = mad_low_out(limb[0], limb[0], t[0], carry);
    t[1] = mad_high_in_out(limb[0], limb[0], t[1], carry);
    UNROLL for (int i = 1; i < 8; i++) {
        t[2 * i] = mad_low_in_out(limb[i], limb[i], t[2 * i], carry);
        t[2 * i + 1] = mad_high_in_out(limb[i], limb[i], t[2 * i + 1], carry);
    }
    return felt_reduce_wide(t);
}

// `a^(2^n)`.
DEVICE_CALL Felt felt_square_times(Felt a, u32 n) {
    NO_UNROLL for (u32 i = 0; i < n; i++) a = felt_square(a);
    return a;
}

DEVICE_CALL Felt felt_mul_call(Felt a, Felt b) { return felt_mul(a, b); }

// `a^(p - 2)`: the inverse, and 0 for 0. The exponent is 2^192 (2^59 + 16) + (2^192 - 1).
DEVICE_CALL Felt felt_inverse(Felt a) {
    Felt high = felt_mul_call(felt_square_times(a, 55), a);
    high = felt_square_times(high, 4);
    // a^(2^k - 1) for k = 2, 3, 6, 12, 24.
    Felt ones = felt_mul_call(felt_square_times(a, 1), a);
    ones = felt_mul_call(felt_square_times(ones, 1), a);
    NO_UNROLL for (u32 k = 3; k < 24; k *= 2) ones = felt_mul_call(felt_square_times(ones, k), ones);
    NO_UNROLL for (u32 i = 0; i < 8; i++) high = felt_mul_call(felt_square_times(high, 24), ones);
    return high;
}

// The factor R^2 mod p, with which a Montgomery product takes a number to its Montgomery form.
DEVICE Felt felt_r_squared() {
    return Felt{{0x7e000401, 0xfffffd73, 0x330fffff, 0x00000001, 0xff6f8000, 0xffffffff, 0x5e008810, 0x07ffd4ab}};
}
