// The message that a row of a table is: element after element as 32 big-endian bytes of its Montgomery form.

struct Params {
    mask_low: vec4<u32>,
    mask_high: vec4<u32>,
    n_columns: u32,
    log_rows: u32,
    // The first row that is bound, and those that are hashed: `n` rows, `2^log_step` apart, from `phase` on.
    first_row: u32,
    log_step: u32,
    phase: u32,
    n: u32,
    // What is added to the number of a leaf for its place in what is bound.
    leaf: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> tables: array<Felt>;
@group(0) @binding(4) var<storage, read_write> leaves: array<Digest>;

// The row, counted from the first that is bound.
var<private> row: u32;

// Four bytes of the message, as a little-endian word.
fn word(i: u32) -> u32 {
    let at = 2u * (starts[i >> 3u] + row);
    let limb = 7u - (i & 7u);
    return reverse_bytes(values[at + (limb >> 2u)][limb & 3u]);
}

// 32 bytes of the message, as an element.
fn element(i: u32) -> Felt {
    let at = 2u * (starts[i] + row);
    return felt_of_number(Felt(values[at], values[at + 1u]));
}
