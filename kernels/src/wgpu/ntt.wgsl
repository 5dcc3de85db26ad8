// Transforms, several stages a pass over memory.
//
// A pass over `log_points` stages whose butterflies begin `2^log_stride` apart is a transform of `2^log_points` points
// on every *line*: the elements `2^log_stride` apart that these stages join. Line `r` of a block of
// `2^(log_stride + log_points)` elements evaluates on a coset of its own, `x_r <g>` with
// `x_r = shift^(n / block) g_block^r`: its elements are scaled by powers of `x_r`, and then every line's
// transform has the same twiddles. So no table of all the twiddles is needed: an invocation computes the scales of its
// elements once, and keeps them for all the columns of its workgroup.
//
// The module says whether it evaluates, from coefficients in bit-reversed order to values in natural order with strides that
// grow from pass to pass, or interpolates, the other way round; and where elements are read from.

const INVOCATIONS = 256u;
const TILE = 1u << LOG_TILE;
const PER_INVOCATION = TILE / INVOCATIONS;

struct Params {
    log_stride: u32,
    log_points: u32,
    // A tile is so many lines, which are neighbours.
    log_lines: u32,
    // Elements of what is transformed, over those of a block.
    log_blocks: u32,
    // The row of the first line in its block.
    first_row: u32,
    // Distance of columns, their number, and the first elements.
    column_step: u32,
    n_columns: u32,
    from_start: u32,
    start: u32,
    n_tiles: u32,
    log_low: u32,
    log_len: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Twiddles of the lines: entry `half + j` is `g^j` (or its inverse), `g` of order `2 half`.
@group(0) @binding(1) var<storage, read> twiddles: array<Felt>;
// Entry `q` is the power that point `q` (not bit-reversed) of line 0 is scaled with.
@group(0) @binding(2) var<storage, read> scales: array<Felt>;
@group(0) @binding(3) var<storage, read> roots: array<Felt>;
@group(0) @binding(4) var<storage, read_write> out: array<Felt>;

// The tile, the halves of elements apart: neighbours read neighbouring 16 bytes.
var<workgroup> tile_low: array<vec4<u32>, TILE>;
var<workgroup> tile_high: array<vec4<u32>, TILE>;

fn tile_get(i: u32) -> Felt {
    return Felt(tile_low[i], tile_high[i]);
}

fn tile_set(i: u32, a: Felt) {
    tile_low[i] = a.low;
    tile_high[i] = a.high;
}

// Where slot `slot` of a workgroup's tile lies: its place in the tile, and its index in the column.
struct Place {
    point: u32,
    in_tile: u32,
    index: u32,
    row: u32,
}

fn place_of(slot: u32, tile: u32) -> Place {
    var place: Place;
    var line: u32;
    // Neighbouring slots are neighbours in memory.
    if (params.log_stride == 0u) {
        place.point = slot & ((1u << params.log_points) - 1u);
        line = slot >> params.log_points;
    } else {
        line = slot & ((1u << params.log_lines) - 1u);
        place.point = slot >> params.log_lines;
    }
    place.in_tile = (place.point << params.log_lines) + line;
    line += tile << params.log_lines;
    let block = line >> params.log_stride;
    place.row = line & ((1u << params.log_stride) - 1u);
    place.index = (block << (params.log_stride + params.log_points)) + (place.point << params.log_stride) + place.row;
    return place;
}

fn scale_of(place: Place) -> Felt {
    let power = reverse_low_bits(place.point, params.log_points);
    let scale = scales[power];
    if (params.log_stride == 0u) {
        return scale;
    }
    var exponent = (params.first_row + place.row) * power << params.log_blocks;
    if (!EVALUATE) {
        exponent = (0u - exponent) & ((1u << params.log_len) - 1u);
    }
    return felt_mul(scale, root(exponent, params.log_low));
}

// All stages of the tile.
fn transform_tile(local: u32) {
    let n_butterflies = 1u << (params.log_points + params.log_lines) >> 1u;
    for (var i = 0u; i < params.log_points; i++) {
        let stage = select(params.log_points - 1u - i, i, EVALUATE);
        let half = 1u << stage;
        for (var butterfly = local; butterfly < n_butterflies; butterfly += INVOCATIONS) {
            let line = butterfly & ((1u << params.log_lines) - 1u);
            let group = butterfly >> params.log_lines;
            let j = group & (half - 1u);
            let point = (group >> stage << (stage + 1u)) + j;
            let at = (point << params.log_lines) + line;
            let opposite = at + (half << params.log_lines);
            let a = tile_get(at);
            var b = tile_get(opposite);
            let twiddle = twiddles[half + j];
            // The only product of the stages: before the sum or after the difference.
            if (EVALUATE) {
                b = felt_mul(b, twiddle);
                tile_set(opposite, felt_sub(a, b));
            } else {
                tile_set(opposite, felt_mul(felt_sub(a, b), twiddle));
            }
            tile_set(at, felt_add(a, b));
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(256)
fn transform(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
             @builtin(local_invocation_index) local: u32) {
    let tile = workgroup_number(group, groups);
    if (tile >= params.n_tiles) {
        return;
    }
    let tile_len = 1u << (params.log_points + params.log_lines);
    var own_scales: array<Felt, PER_INVOCATION>;
    for (var k = 0u; k < PER_INVOCATION; k++) {
        let slot = local + k * INVOCATIONS;
        if (slot < tile_len) {
            own_scales[k] = scale_of(place_of(slot, tile));
        }
    }
    for (var column = group.z; column < params.n_columns; column += groups.z) {
        for (var k = 0u; k < PER_INVOCATION; k++) {
            let slot = local + k * INVOCATIONS;
            if (slot < tile_len) {
                let place = place_of(slot, tile);
                var a = read_from(params.from_start + column * params.column_step + place.index);
                if (EVALUATE) {
                    a = felt_mul(a, own_scales[k]);
                }
                tile_set(place.in_tile, a);
            }
        }
        workgroupBarrier();
        transform_tile(local);
        for (var k = 0u; k < PER_INVOCATION; k++) {
            let slot = local + k * INVOCATIONS;
            if (slot < tile_len) {
                let place = place_of(slot, tile);
                var a = tile_get(place.in_tile);
                if (!EVALUATE) {
                    a = felt_mul(a, own_scales[k]);
                }
                out[params.start + column * params.column_step + place.index] = a;
            }
        }
        workgroupBarrier();
    }
}
