// Digests of 32 bytes as words in the order of the bytes, and numbers of 256 bits.

struct Digest {
    low: vec4<u32>,
    high: vec4<u32>,
}

fn reverse_bytes(x: u32) -> u32 {
    let swapped = (x & 0x00ff00ffu) << 8u | (x >> 8u) & 0x00ff00ffu;
    return swapped << 16u | swapped >> 16u;
}

fn reverse_words(a: vec4<u32>) -> vec4<u32> {
    let swapped = (a.wzyx & vec4<u32>(0x00ff00ffu)) << vec4<u32>(8u)
        | (a.wzyx >> vec4<u32>(8u)) & vec4<u32>(0x00ff00ffu);
    return swapped << vec4<u32>(16u) | swapped >> vec4<u32>(16u);
}

// The number that 32 big-endian bytes are, as limbs.
fn number_of_digest(digest: Digest) -> Felt {
    return Felt(reverse_words(digest.high), reverse_words(digest.low));
}

// The 32 big-endian bytes of the number below p that an element stands for.
fn digest_of_felt(a: Felt) -> Digest {
    let number = felt_reduce_wide(a, FELT_ZERO);
    return Digest(reverse_words(number.high), reverse_words(number.low));
}

// The element of any number modulo p.
fn felt_of_number(number: Felt) -> Felt {
    return felt_mul(FELT_R_SQUARED, number);
}
