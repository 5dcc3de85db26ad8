// Evaluation at single points: a fold over some bits of the index, which is a sum with weights.

// A polynomial at a point: where its coefficients begin, its weights, and where its partial values go.
struct Job {
    start: u32,
    weights: u32,
    out: u32,
    unused: u32,
}

struct Params {
    // Terms of a sum, and their distance, which is the number of sums.
    n_terms: u32,
    step: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<Felt>;
@group(0) @binding(2) var<storage, read> weights: array<Felt>;
@group(0) @binding(3) var<storage, read> jobs: array<Job>;
@group(0) @binding(4) var<storage, read_write> out: array<Felt>;

@compute @workgroup_size(64)
fn evaluate_fold(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                 @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.step) {
        return;
    }
    let job = jobs[group.z];
    var sum = FELT_ZERO;
    for (var k = 0u; k < params.n_terms; k++) {
        sum = felt_add(sum, felt_mul(weights[job.weights + k], coefficients[job.start + k * params.step + i]));
    }
    out[job.out + i] = sum;
}
