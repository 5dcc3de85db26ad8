// The interpreter of register programs: an invocation runs the program on a row at a time.
//
// The first registers live in the workgroup's memory, the others (if any) in a scratch buffer that stays in the cache; the
// host numbers them by how often they are used.

struct Params {
    // Kind in the low two bits and above them the index, and the rows ahead.
    result: vec2<u32>,
    n_instructions: u32,
    // Where the sources and the scalars begin in the code.
    sources: u32,
    scalars: u32,
    // The rows, the first one's number, its place in `out`, and the invocations that share them.
    n_rows: u32,
    first_row: u32,
    start: u32,
    n_invocations: u32,
    // Whether the values are added to what is there.
    add: u32,
}

// Instructions of two entries: opcode (low two bits) and target, the first operand, the second one; then sources: slot,
// first element, mask of the row; then scalars.
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> code: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> scratch: array<Felt>;
@group(0) @binding(3) var<storage, read_write> out: array<Felt>;
@group(0) @binding(4) var<storage, read> slot0: array<Felt>;
@group(0) @binding(5) var<storage, read> slot1: array<Felt>;
@group(0) @binding(6) var<storage, read> slot2: array<Felt>;
@group(0) @binding(7) var<storage, read> slot3: array<Felt>;
@group(0) @binding(8) var<storage, read> slot4: array<Felt>;

const N_SHARED = 8u;
var<workgroup> shared_low: array<vec4<u32>, N_SHARED * WORKGROUP>;
var<workgroup> shared_high: array<vec4<u32>, N_SHARED * WORKGROUP>;

fn read_cell(index: u32, row: u32) -> Felt {
    let source = code[params.sources + index];
    let at = source.y + (row & source.z);
    switch source.x {
        case 0u: { return slot0[at]; }
        case 1u: { return slot1[at]; }
        case 2u: { return slot2[at]; }
        case 3u: { return slot3[at]; }
        default: { return slot4[at]; }
    }
}

// All invocations read operands of the same kind at once.
fn read_operand(operand: vec2<u32>, row: u32, local: u32, id: u32) -> Felt {
    let index = operand.x >> 2u;
    switch operand.x & 3u {
        case 0u: {
            if (index < N_SHARED) {
                let at = index * WORKGROUP + local;
                return Felt(shared_low[at], shared_high[at]);
            }
            return scratch[(index - N_SHARED) * params.n_invocations + id];
        }
        case 1u: {
            let at = params.scalars + 2u * index;
            return Felt(code[at], code[at + 1u]);
        }
        default: { return read_cell(index, row + operand.y); }
    }
}

@compute @workgroup_size(64)
fn compose(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
           @builtin(local_invocation_index) local: u32) {
    let id = invocation(group, groups, local);
    for (var i = id; i < params.n_rows; i += params.n_invocations) {
        let row = params.first_row + i;
        for (var next = 0u; next < params.n_instructions; next++) {
            let first = code[2u * next];
            let second = code[2u * next + 1u];
            let a = read_operand(first.yz, row, local, id);
            let b = read_operand(second.xy, row, local, id);
            var value: Felt;
            switch first.x & 3u {
                case 0u: { value = felt_add(a, b); }
                case 1u: { value = felt_sub(a, b); }
                default: { value = felt_mul(a, b); }
            }
            let target_register = first.x >> 2u;
            if (target_register < N_SHARED) {
                let at = target_register * WORKGROUP + local;
                shared_low[at] = value.low;
                shared_high[at] = value.high;
            } else {
                scratch[(target_register - N_SHARED) * params.n_invocations + id] = value;
            }
        }
        var value = read_operand(params.result, row, local, id);
        if (params.add != 0u) {
            value = felt_add(value, out[params.start + i]);
        }
        out[params.start + i] = value;
    }
}
