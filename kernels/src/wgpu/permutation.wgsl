// The running product of numerators over denominators, with one inversion: with N the product of the numerators up to a
// cell, S that of the denominators after it and D that of all of them, it is N S / D. Long columns come in segments, each with
// an inversion of its own, that hand their last product on.

const RUN = 16u;

// A part of a tuple: the cells `values[start + i * step]`, times `weight`.
struct Part {
    weight: Felt,
    start: u32,
    is_first: u32,
    unused0: u32,
    unused1: u32,
}

struct Params {
    z: Felt,
    n_parts: u32,
    step: u32,
    n_cells: u32,
    n_runs: u32,
    // Where the first cell is in `out`, and which of the two products handed on is this segment's.
    start: u32,
    carry: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<Felt>;
// The original parts and then the sorted ones.
@group(0) @binding(2) var<storage, read> parts: array<Part>;
@group(0) @binding(3) var<storage, read_write> folds: array<Pair>;
@group(0) @binding(4) var<storage, read_write> carries: array<Felt, 2>;
@group(0) @binding(5) var<storage, read_write> out: array<Felt>;

// `z` less the tuple of cell `i`; `first` is the tuple's first part.
fn shifted_tuple(first: u32, i: u32) -> Felt {
    var rest = params.z;
    for (var k = first; k < first + params.n_parts; k++) {
        var value = values[parts[k].start + i * params.step];
        if (parts[k].is_first == 0u) {
            value = felt_mul(value, parts[k].weight);
        }
        rest = felt_sub(rest, value);
    }
    return rest;
}

// `folds[r].a` becomes the product of the numerators of run `r`, and `folds[n_runs - 1 - r].b` that of its
// denominators, so that a scan gives what is before a run and what is after it.
@compute @workgroup_size(64)
fn permutation_folds(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                     @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run >= params.n_runs) {
        return;
    }
    let end = min(params.n_cells, (run + 1u) * RUN);
    for (var side = 0u; side < 2u; side++) {
        var fold = FELT_ONE;
        for (var i = run * RUN; i < end; i++) {
            fold = felt_mul(fold, shifted_tuple(side * params.n_parts, i));
        }
        if (side == 0u) {
            folds[run].a = fold;
        } else {
            folds[params.n_runs - 1u - run].b = fold;
        }
    }
}

@compute @workgroup_size(64)
fn permutation_write(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                     @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run >= params.n_runs) {
        return;
    }
    let begin = run * RUN;
    let end = min(params.n_cells, begin + RUN);
    var after = felt_mul(folds[params.n_runs - 1u - run].b, folds[params.n_runs].b);
    for (var i = end; i > begin; i--) {
        out[params.start + (i - 1u) * params.step] = after;
        after = felt_mul(after, shifted_tuple(params.n_parts, i - 1u));
    }
    var product = felt_mul(carries[params.carry], folds[run].a);
    for (var i = begin; i < end; i++) {
        product = felt_mul(product, shifted_tuple(0u, i));
        let at = params.start + i * params.step;
        let value = felt_mul(product, out[at]);
        out[at] = value;
        if (i + 1u == params.n_cells) {
            carries[1u - params.carry] = value;
        }
    }
}
