// The message that two nodes of a tree are, which follow each other.

struct Params {
    mask_low: vec4<u32>,
    mask_high: vec4<u32>,
    // The first node of the lowest level, how many it has, and the levels.
    first: u32,
    n: u32,
    n_levels: u32,
    // Where the children of the first node begin, if they are in a buffer of their own.
    children: u32,
    are_apart: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tables: array<Felt>;
@group(0) @binding(2) var<storage, read> apart: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> nodes: array<vec4<u32>>;

// The first of the two.
var<private> child: u32;

// Four bytes of the message, as a little-endian word.
fn word(i: u32) -> u32 {
    let at = 2u * child + (i >> 2u);
    if (params.are_apart != 0u) {
        return apart[at][i & 3u];
    }
    return nodes[at][i & 3u];
}

// 32 bytes of the message, as an element.
fn element(i: u32) -> Felt {
    let at = 2u * (child + i);
    if (params.are_apart != 0u) {
        return felt_of_number(number_of_digest(Digest(apart[at], apart[at + 1u])));
    }
    return felt_of_number(number_of_digest(Digest(nodes[at], nodes[at + 1u])));
}
