// Geometric sequences.

struct Params {
    first: Felt,
    minus: Felt,
    // Exponent of the first element, number of elements.
    start: u32,
    n: u32,
    log_low: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> roots: array<Felt>;
@group(0) @binding(2) var<storage, read_write> out: array<Felt>;

// Element `i` of `out` becomes `first * g^(start + i) - minus`.
@compute @workgroup_size(64)
fn powers(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
          @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    out[i] = felt_sub(felt_mul(params.first, root(params.start + i, params.log_low)), params.minus);
}
