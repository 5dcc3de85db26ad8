// One inversion for many quotients.

struct Params {
    n_runs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> folds: array<Pair>;

// The inverse of the product of all denominators takes that product's place.
@compute @workgroup_size(1)
fn inverse_of_all() {
    folds[params.n_runs].b = felt_inverse(folds[params.n_runs].b);
}
