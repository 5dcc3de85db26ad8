// Scans in runs: an invocation folds a run of 16 pairs; the folds are scanned the same way; and an invocation walks its run
// again from what comes before it.

const RUN = 16u;

struct Params {
    n: u32,
    // Whether `before` has what comes before every run.
    has_before: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> before: array<Pair>;
@group(0) @binding(2) var<storage, read_write> pairs: array<Pair>;
@group(0) @binding(3) var<storage, read_write> folds: array<Pair>;

// `folds[r]` becomes the fold of run `r` of `pairs`.
@compute @workgroup_size(64)
fn fold_runs(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
             @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run * RUN >= params.n) {
        return;
    }
    var fold = identity();
    for (var i = run * RUN; i < min(params.n, (run + 1u) * RUN); i++) {
        fold = join(fold, pairs[i]);
    }
    folds[run] = fold;
}

// Every pair becomes the fold of all before it.
@compute @workgroup_size(64)
fn scan_runs(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
             @builtin(local_invocation_index) local: u32) {
    let run = invocation(group, groups, local);
    if (run * RUN >= params.n) {
        return;
    }
    var fold = identity();
    if (params.has_before != 0u) {
        fold = before[run];
    }
    for (var i = run * RUN; i < min(params.n, (run + 1u) * RUN); i++) {
        let pair = pairs[i];
        pairs[i] = fold;
        fold = join(fold, pair);
    }
}
