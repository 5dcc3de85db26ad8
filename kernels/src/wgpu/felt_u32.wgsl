// Products of limbs where shaders have 32-bit integers only: by halves of 16 bits.

// `a * b + s + t` as its low and its high limb.
fn multiply_add(a: u32, b: u32, s: u32, t: u32) -> vec2<u32> {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    // No sum here exceeds 2^32 - 1 = (2^16 - 1)^2 + 2 (2^16 - 1).
    let p00 = a0 * b0 + (s & 0xffffu) + (t & 0xffffu);
    let p01 = a0 * b1 + (p00 >> 16u) + (s >> 16u);
    let p10 = a1 * b0 + (p01 & 0xffffu) + (t >> 16u);
    return vec2<u32>((p00 & 0xffffu) | (p10 << 16u), a1 * b1 + (p01 >> 16u) + (p10 >> 16u));
}
