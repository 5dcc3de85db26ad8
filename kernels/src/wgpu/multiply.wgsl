// What the adapter's multipliers do when nothing else is asked of them.

struct Params {
    n: u32,
    rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> elements: array<Felt>;

// Every invocation multiplies `4 * rounds` times, four products at a time that do not wait for each other.
@compute @workgroup_size(64)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
            @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    var a = elements[i];
    var b = felt_add(a, a);
    var c = felt_add(b, a);
    var d = felt_add(c, a);
    for (var round = 0u; round < params.rounds; round++) {
        let ab = felt_mul(a, b);
        let bc = felt_mul(b, c);
        let cd = felt_mul(c, d);
        let da = felt_mul(d, a);
        a = ab;
        b = bc;
        c = cd;
        d = da;
    }
    elements[i] = felt_add(felt_add(a, b), felt_add(c, d));
}
