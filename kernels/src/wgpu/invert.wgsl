// Inverses in place: the inverse of an element is the product of all others, those before it and those after it, over that
// of all. (So no element may be 0.)

const INVERT_RUN = 8u;

struct Params {
    n: u32,
    n_runs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> elements: array<Felt>;
// The products of runs, forwards and backwards; then those of what is before and after a run, and of all.
@group(0) @binding(2) var<storage, read_write> folds: array<Pair>;

@compute @workgroup_size(64)
fn inverse_folds(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                 @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run >= params.n_runs) {
        return;
    }
    var fold = FELT_ONE;
    for (var i = run * INVERT_RUN; i < min(params.n, (run + 1u) * INVERT_RUN); i++) {
        fold = felt_mul(fold, elements[i]);
    }
    folds[run].a = fold;
    folds[params.n_runs - 1u - run].b = fold;
}

@compute @workgroup_size(64)
fn inverse_write(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                 @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run >= params.n_runs) {
        return;
    }
    let begin = run * INVERT_RUN;
    let n = min(params.n - begin, INVERT_RUN);
    var before: array<Felt, INVERT_RUN>;
    var product = folds[run].a;
    for (var k = 0u; k < n; k++) {
        before[k] = product;
        product = felt_mul(product, elements[begin + k]);
    }
    var after = felt_mul(folds[params.n_runs - 1u - run].b, folds[params.n_runs].b);
    for (var k = n; k > 0u; k--) {
        let own = elements[begin + k - 1u];
        elements[begin + k - 1u] = felt_mul(before[k - 1u], after);
        after = felt_mul(after, own);
    }
}
