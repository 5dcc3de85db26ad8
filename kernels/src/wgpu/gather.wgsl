// Elements of any size, four bytes at a time.

struct Params {
    n: u32,
    // Words of four bytes of an element.
    n_words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
// For every element its place in `source`, and its place in `out`.
@group(0) @binding(2) var<storage, read> places: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(64)
fn gather(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
          @builtin(local_invocation_index) local: u32) {
    let id = invocation(group, groups, local);
    let i = id / params.n_words;
    if (i >= params.n) {
        return;
    }
    let word = id - i * params.n_words;
    out[places[i].y * params.n_words + word] = source[places[i].x * params.n_words + word];
}
