// Products of limbs where shaders have 64-bit integers.

// `a * b + s + t` as its low and its high limb.
fn multiply_add(a: u32, b: u32, s: u32, t: u32) -> vec2<u32> {
    let sum = u64(a) * u64(b) + u64(s) + u64(t);
    return vec2<u32>(u32(sum), u32(sum >> 32u));
}
