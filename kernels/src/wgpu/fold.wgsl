// Folding: element `i` meets its opposite, half a column on.

struct Params {
    // The factor of a split, and the inverse of 2.
    factor: Felt,
    one_half: Felt,
    // Where the first elements of both halves and of the result lie in what is bound.
    low: u32,
    high: u32,
    out: u32,
    // Index in its column of the first element, and how many of each column there are.
    first: u32,
    n: u32,
    // Distances of columns.
    column_step: u32,
    out_step: u32,
    first_column: u32,
    log_low: u32,
    log_len: u32,
    // For a split: whether it is the odd part, and the first row in `out`.
    odd: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> roots: array<Felt>;
@group(0) @binding(2) var<storage, read> factors: array<Felt>;
@group(0) @binding(3) var<storage, read> lows: array<Felt>;
@group(0) @binding(4) var<storage, read> highs: array<Felt>;
@group(0) @binding(5) var<storage, read_write> out: array<Felt>;

// `g^-(first + i)`.
fn inverse_root(i: u32) -> Felt {
    return root((0u - params.first - i) & ((1u << params.log_len) - 1u), params.log_low);
}

// For every column: `(low + high) + (low - high) * factors[c] * g^-i`.
@compute @workgroup_size(64)
fn fold(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    let low = lows[params.low + group.z * params.column_step + i];
    let high = highs[params.high + group.z * params.column_step + i];
    let weight = felt_mul(factors[params.first_column + group.z], inverse_root(i));
    let odd = felt_mul(felt_sub(low, high), weight);
    out[params.out + group.z * params.out_step + i] = felt_add(felt_add(low, high), odd);
}

// Every second row from `out` on: `(low + high) / 2`, or `(low - high) * factor * g^-i`.
@compute @workgroup_size(64)
fn split(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
         @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    let low = lows[params.low + i];
    let high = highs[params.high + i];
    var part = felt_add(low, high);
    var weight = params.one_half;
    if (params.odd != 0u) {
        part = felt_sub(low, high);
        weight = felt_mul(params.factor, inverse_root(i));
    }
    out[params.out + 2u * i] = felt_mul(part, weight);
}
