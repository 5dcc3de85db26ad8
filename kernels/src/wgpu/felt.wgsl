// The Starknet field: p = 2^251 + 17 * 2^192 + 1, elements below p in Montgomery form (R = 2^256), eight 32-bit limbs,
// lowest first: the bytes that the host has. `multiply_add` comes from one of two files.

struct Felt {
    low: vec4<u32>,
    high: vec4<u32>,
}

const FELT_ZERO = Felt(vec4<u32>(), vec4<u32>());
// R mod p.
const FELT_ONE = Felt(vec4<u32>(0xffffffe1u, 0xffffffffu, 0xffffffffu, 0xffffffffu),
                      vec4<u32>(0xffffffffu, 0xffffffffu, 0xfffffdf0u, 0x07ffffffu));
// R^2 mod p: a Montgomery product with it takes a number to its Montgomery form.
const FELT_R_SQUARED = Felt(vec4<u32>(0x7e000401u, 0xfffffd73u, 0x330fffffu, 0x00000001u),
                            vec4<u32>(0xff6f8000u, 0xffffffffu, 0x5e008810u, 0x07ffd4abu));

// The limbs of p that are not 0: 1 (limb 0), 17 (limb 6) and 2^27 (limb 7).
const P_LIMB_6 = 17u;
const P_LIMB_7 = 0x08000000u;

// `a + b + carry` and its carry.
fn add_carry(a: u32, b: u32, carry: u32) -> vec2<u32> {
    let sum = a + b;
    let all = sum + carry;
    return vec2<u32>(all, u32(sum < a) | u32(all < sum));
}

// `a - b - borrow` and its borrow.
fn sub_borrow(a: u32, b: u32, borrow: u32) -> vec2<u32> {
    let difference = a - b;
    return vec2<u32>(difference - borrow, u32(a < b) | u32(difference < borrow));
}

// `a`, plus p if `borrow` is 1: then `a` is a negative number in two's complement.
fn felt_add_p(a: Felt, borrow: u32) -> Felt {
    let r0 = add_carry(a.low.x, borrow, 0u);
    let r1 = add_carry(a.low.y, 0u, r0.y);
    let r2 = add_carry(a.low.z, 0u, r1.y);
    let r3 = add_carry(a.low.w, 0u, r2.y);
    let r4 = add_carry(a.high.x, 0u, r3.y);
    let r5 = add_carry(a.high.y, 0u, r4.y);
    let r6 = add_carry(a.high.z, P_LIMB_6 * borrow, r5.y);
    let r7 = a.high.w + P_LIMB_7 * borrow + r6.y;
    return Felt(vec4<u32>(r0.x, r1.x, r2.x, r3.x), vec4<u32>(r4.x, r5.x, r6.x, r7));
}

fn felt_sub(a: Felt, b: Felt) -> Felt {
    let r0 = sub_borrow(a.low.x, b.low.x, 0u);
    let r1 = sub_borrow(a.low.y, b.low.y, r0.y);
    let r2 = sub_borrow(a.low.z, b.low.z, r1.y);
    let r3 = sub_borrow(a.low.w, b.low.w, r2.y);
    let r4 = sub_borrow(a.high.x, b.high.x, r3.y);
    let r5 = sub_borrow(a.high.y, b.high.y, r4.y);
    let r6 = sub_borrow(a.high.z, b.high.z, r5.y);
    let r7 = sub_borrow(a.high.w, b.high.w, r6.y);
    return felt_add_p(Felt(vec4<u32>(r0.x, r1.x, r2.x, r3.x), vec4<u32>(r4.x, r5.x, r6.x, r7.x)), r7.y);
}

fn felt_add(a: Felt, b: Felt) -> Felt {
    // a - (p - b): p - b is positive, and no sum of limbs is lost at the top.
    let n0 = sub_borrow(1u, b.low.x, 0u);
    let n1 = sub_borrow(0u, b.low.y, n0.y);
    let n2 = sub_borrow(0u, b.low.z, n1.y);
    let n3 = sub_borrow(0u, b.low.w, n2.y);
    let n4 = sub_borrow(0u, b.high.x, n3.y);
    let n5 = sub_borrow(0u, b.high.y, n4.y);
    let n6 = sub_borrow(P_LIMB_6, b.high.z, n5.y);
    let n7 = P_LIMB_7 - b.high.w - n6.y;
    return felt_sub(a, Felt(vec4<u32>(n0.x, n1.x, n2.x, n3.x), vec4<u32>(n4.x, n5.x, n6.x, n7)));
}

// Montgomery reduction `(low + 2^256 high) / 2^256` of a number below `2^256 p`: below p.
//
// With q = low / p mod 2^256, the result is (low + 2^256 high - q p) / 2^256. As p = 1 + 2^192 m with m = 17 + 2^59,
// limbs 0 to 5 of q are those of `low`, and limbs 6 and 7 are those of `low` less the lowest two of q m. Those take
// nothing else in q p: so the subtraction goes on from there, and takes limbs 2 to 9 of q m from `high`.
fn felt_reduce_wide(low: Felt, high: Felt) -> Felt {
    let m0 = multiply_add(low.low.x, 17u, 0u, 0u);
    let m1 = multiply_add(low.low.y, 17u, m0.y, low.low.x << 27u);
    let q6 = sub_borrow(low.high.z, m0.x, 0u);
    let q7 = sub_borrow(low.high.w, m1.x, q6.y);

    let m2 = multiply_add(low.low.z, 17u, m1.y, low.low.y << 27u | low.low.x >> 5u);
    let m3 = multiply_add(low.low.w, 17u, m2.y, low.low.z << 27u | low.low.y >> 5u);
    let m4 = multiply_add(low.high.x, 17u, m3.y, low.low.w << 27u | low.low.z >> 5u);
    let m5 = multiply_add(low.high.y, 17u, m4.y, low.high.x << 27u | low.low.w >> 5u);
    let m6 = multiply_add(q6.x, 17u, m5.y, low.high.y << 27u | low.high.x >> 5u);
    let m7 = multiply_add(q7.x, 17u, m6.y, q6.x << 27u | low.high.y >> 5u);
    let m8 = add_carry(m7.y, q7.x << 27u | q6.x >> 5u, 0u);
    let m9 = (q7.x >> 5u) + m8.y;

    let r0 = sub_borrow(high.low.x, m2.x, q7.y);
    let r1 = sub_borrow(high.low.y, m3.x, r0.y);
    let r2 = sub_borrow(high.low.z, m4.x, r1.y);
    let r3 = sub_borrow(high.low.w, m5.x, r2.y);
    let r4 = sub_borrow(high.high.x, m6.x, r3.y);
    let r5 = sub_borrow(high.high.y, m7.x, r4.y);
    let r6 = sub_borrow(high.high.z, m8.x, r5.y);
    let r7 = sub_borrow(high.high.w, m9, r6.y);
    return felt_add_p(Felt(vec4<u32>(r0.x, r1.x, r2.x, r3.x), vec4<u32>(r4.x, r5.x, r6.x, r7.x)), r7.y);
}

// Nine limbs: the lowest one, and the others.
struct Row {
    limb: u32,
    rest: Felt,
}

// `a * b + t`.
fn felt_mul_limb(a: Felt, b: u32, t: Felt) -> Row {
    let r0 = multiply_add(a.low.x, b, t.low.x, 0u);
    let r1 = multiply_add(a.low.y, b, t.low.y, r0.y);
    let r2 = multiply_add(a.low.z, b, t.low.z, r1.y);
    let r3 = multiply_add(a.low.w, b, t.low.w, r2.y);
    let r4 = multiply_add(a.high.x, b, t.high.x, r3.y);
    let r5 = multiply_add(a.high.y, b, t.high.y, r4.y);
    let r6 = multiply_add(a.high.z, b, t.high.z, r5.y);
    let r7 = multiply_add(a.high.w, b, t.high.w, r6.y);
    return Row(r0.x, Felt(vec4<u32>(r1.x, r2.x, r3.x, r4.x), vec4<u32>(r5.x, r6.x, r7.x, r7.y)));
}

// Montgomery product `a b / 2^256`, below p, if one of the factors is below p; the other may be any 256 bits.
fn felt_mul(a: Felt, b: Felt) -> Felt {
    let t0 = felt_mul_limb(a, b.low.x, FELT_ZERO);
    let t1 = felt_mul_limb(a, b.low.y, t0.rest);
    let t2 = felt_mul_limb(a, b.low.z, t1.rest);
    let t3 = felt_mul_limb(a, b.low.w, t2.rest);
    let t4 = felt_mul_limb(a, b.high.x, t3.rest);
    let t5 = felt_mul_limb(a, b.high.y, t4.rest);
    let t6 = felt_mul_limb(a, b.high.z, t5.rest);
    let t7 = felt_mul_limb(a, b.high.w, t6.rest);
    let low = Felt(vec4<u32>(t0.limb, t1.limb, t2.limb, t3.limb), vec4<u32>(t4.limb, t5.limb, t6.limb, t7.limb));
    return felt_reduce_wide(low, t7.rest);
}

// `a^(p - 2)`: the inverse, and 0 for 0. The exponent is 2^192 (2^59 + 16) + (2^192 - 1); steps of squarings and a product,
// so that there are two multiplications in the text.
fn felt_inverse(a: Felt) -> Felt {
    // a^(2^k - 1) for k = 2, 3, 6, 12, 24; a^(2^55 + 1), and four squarings more; eight times 24 ones.
    var n_squarings = array<u32, 7>(1u, 1u, 3u, 6u, 12u, 55u, 4u);
    var power = a;
    var ones = a;
    for (var step = 0u; step < 15u; step++) {
        let before = power;
        var n = 24u;
        if (step < 7u) {
            n = n_squarings[step];
        }
        for (var i = 0u; i < n; i++) {
            power = felt_mul(power, power);
        }
        var factor = a;
        if (step >= 2u && step <= 4u) {
            factor = before;
        }
        if (step >= 6u) {
            factor = ones;
        }
        if (step != 6u) {
            power = felt_mul(power, factor);
        }
        if (step == 4u) {
            ones = power;
            power = a;
        }
    }
    return power;
}

// The low `bits` bits of `x`, reversed.
fn reverse_low_bits(x: u32, bits: u32) -> u32 {
    // A shift by 32 is one by 0.
    return select(reverseBits(x) >> ((32u - bits) & 31u), 0u, bits == 0u);
}
