// The message of a search for a nonce: the prefix, and the nonce as eight big-endian bytes.

struct Params {
    prefix: array<vec4<u32>, 2>,
    mask_low: vec4<u32>,
    mask_high: vec4<u32>,
    // The first nonce's limbs, how many there are, and the zero bits.
    first: u32,
    first_high: u32,
    n: u32,
    bits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// The least number of a nonce that will do, counted from the first.
@group(0) @binding(1) var<storage, read_write> lowest: atomic<u32>;

var<private> nonce: vec2<u32>;

fn word(i: u32) -> u32 {
    if (i < 8u) {
        return params.prefix[i >> 2u][i & 3u];
    }
    return reverse_bytes(select(nonce.x, nonce.y, i == 8u));
}
