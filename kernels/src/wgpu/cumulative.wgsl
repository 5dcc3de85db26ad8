// Cumulative values: from `r` to `r (1 + z u) + alpha u^2` for every difference `u`. Long columns come in segments, that hand
// their last value on.

const RUN = 16u;

struct Params {
    z: Felt,
    alpha: Felt,
    // Where the first cell is in `values`, and whether there is one before it.
    cells: u32,
    has_before: u32,
    step: u32,
    n_cells: u32,
    // Where the first cell is in `out`, and which of the two values handed on is this segment's.
    start: u32,
    carry: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<Felt>;
@group(0) @binding(2) var<storage, read_write> folds: array<Pair>;
@group(0) @binding(3) var<storage, read_write> carries: array<Felt, 2>;
@group(0) @binding(4) var<storage, read_write> out: array<Felt>;

// The step into cell `i`, a map of the value before it.
fn cumulative_step(i: u32) -> Pair {
    if (i == 0u && params.has_before == 0u) {
        return identity();
    }
    let at = params.cells + i * params.step;
    let difference = felt_sub(values[at], values[at - params.step]);
    // z u and alpha u u.
    var factor = params.z;
    var products: array<Felt, 2>;
    for (var k = 0u; k < 2u; k++) {
        products[k] = felt_mul(factor, difference);
        factor = felt_mul(params.alpha, difference);
    }
    return Pair(felt_add(FELT_ONE, products[0]), products[1]);
}

@compute @workgroup_size(64)
fn cumulative_folds(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                    @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run * RUN >= params.n_cells) {
        return;
    }
    var fold = identity();
    for (var i = run * RUN; i < min(params.n_cells, (run + 1u) * RUN); i++) {
        fold = join(fold, cumulative_step(i));
    }
    folds[run] = fold;
}

@compute @workgroup_size(64)
fn cumulative_write(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                    @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run * RUN >= params.n_cells) {
        return;
    }
    var value = felt_add(felt_mul(carries[params.carry], folds[run].a), folds[run].b);
    for (var i = run * RUN; i < min(params.n_cells, (run + 1u) * RUN); i++) {
        let map = cumulative_step(i);
        value = felt_add(felt_mul(value, map.a), map.b);
        out[params.start + i * params.step] = value;
        if (i + 1u == params.n_cells) {
            carries[1u - params.carry] = value;
        }
    }
}
