// Transforms, several stages a pass over memory.
//
// A pass over `log_points` stages whose butterflies begin `2^log_stride` apart is a transform of `2^log_points` points
// on every *line*: the elements `2^log_stride` apart that these stages join. Line `r` of a block of
// `2^(log_stride + log_points)` elements evaluates on a coset of its own, `x_r <g>` with
// `x_r = shift^(n / block) g_block^r`: its elements are scaled by powers of `x_r`, and then every line's
// transform has the same twiddles. So no table of all the twiddles is needed: a thread computes the scales of its
// elements once, and keeps them for all the columns of its block.
#pragma once
#include "powers.cuh"
#include "tile.cuh"

#define NTT_THREADS 256
#define NTT_PER_THREAD 4
#define NTT_RESIDENT 3
#define NTT_TILE (NTT_THREADS * NTT_PER_THREAD)

struct Pass {
    // Twiddles of the lines: entry `half + j` is `g^j` (or its inverse), `g` of order `2 half`.
    const Felt* twiddles;
    // Entry `q` is the power that point `q` (not bit-reversed) of line 0 is scaled with.
    const Felt* scales;
    Roots roots;
    u32 log_len;
    u32 log_stride;
    u32 log_points;
    // A tile is so many lines, which are neighbours.
    u32 log_lines;
    u32 n_columns;
};

// Where slot `slot` of a block's tile lies: its place in the tile, and its index in the column.
struct Place {
    u32 point, line, in_tile;
    u64 index;
    u32 row;
};

DEVICE Place ntt_place(const Pass& pass, u32 slot) {
    Place place;
    // Neighbouring slots are neighbours in memory.
    if (pass.log_stride == 0) {
        place.point = slot & ((1u << pass.log_points) - 1);
        place.line = slot >> pass.log_points;
    } else {
        place.line = slot & ((1u << pass.log_lines) - 1);
        place.point = slot >> pass.log_lines;
    }
    place.in_tile = (place.point << pass.log_lines) + place.line;
    const u64 line = ((u64)blockIdx.x << pass.log_lines) + place.line;
    const u64 block = line >> pass.log_stride;
    place.row = (u32)(line & ((1ull << pass.log_stride) - 1));
    place.index = (block << (pass.log_stride + pass.log_points)) + ((u64)place.point << pass.log_stride) + place.row;
    return place;
}

template <bool EVALUATE>
DEVICE Felt ntt_scale(const Pass& pass, const Place& place) {
    const u32 power = reverse_low_bits(place.point, pass.log_points);
    const Felt scale = pass.scales[power];
    if (pass.log_stride == 0) return scale;
    const u32 exponent = place.row * power << (pass.log_len - pass.log_stride - pass.log_points);
    return felt_mul(scale, EVALUATE ? root(pass.roots, exponent) : inverse_root(pass.roots, exponent));
}

// The first stage alone, whose twiddles are 1.
DEVICE void ntt_first_stage(const Pass& pass, const Tile& tile) {
    const u32 n_butterflies = 1u << (pass.log_points + pass.log_lines - 1);
    for (u32 i = threadIdx.x; i < n_butterflies; i += NTT_THREADS) {
        const u32 line = i & ((1u << pass.log_lines) - 1);
        const u32 at = (i >> pass.log_lines << (pass.log_lines + 1)) + line;
        const u32 opposite = at + (1u << pass.log_lines);
        const Felt a = tile_get(tile, at), b = tile_get(tile, opposite);
        tile_set(tile, at, felt_add_lazy(a, b));
        tile_set(tile, opposite, felt_sub_lazy(a, b));
    }
}

// Joins two points, `b` being multiplied before (evaluation) or after (interpolation). Lazy, for `b` below 2 p unless it
// is multiplied first: both results are at most 2 p more than `a`, or below p where they were multiplied.
template <bool EVALUATE>
DEVICE void butterfly(Felt& a, Felt& b, const Felt* twiddle) {
    if (EVALUATE && twiddle) b = felt_mul(b, *twiddle);
    const Felt sum = felt_add_lazy(a, b);
    b = felt_sub_lazy(a, b);
    a = sum;
    if (!EVALUATE && twiddle) b = felt_mul(b, *twiddle);
}

// Stages `stage` and `stage + 1` at once, in registers: a thread joins the four points whose indices differ in these bits.
//
// Bounds: an evaluation adds 2 p a stage at most. An interpolation begins below p; its outer butterflies give less than
// 2 p (sums) or 3 p, multiplied less than p; of what the inner ones give, the sums are reduced at once, and the
// differences are multiplied, but for the last stage, whose results are scaled.
template <bool EVALUATE>
DEVICE void ntt_two_stages(const Pass& pass, const Tile& tile, u32 stage) {
    const u32 i = threadIdx.x;
    if (i >> (pass.log_points + pass.log_lines - 2)) return;
    const u32 line = i & ((1u << pass.log_lines) - 1);
    const u32 group = i >> pass.log_lines;
    const u32 half = 1u << stage;
    const u32 j = group & (half - 1);
    const u32 point = (group >> stage << (stage + 2)) + j;
    const u32 at = (point << pass.log_lines) + line;
    const u32 step = half << pass.log_lines;
    // The twiddles of index 0 are 1: in the first stages two of three.
    const Felt* inner = stage == 0 ? 0 : pass.twiddles + half + j;
    const Felt* outer = stage == 0 ? 0 : pass.twiddles + 2 * half + j;
    const Felt* outer_odd = pass.twiddles + 3 * half + j;
    Felt a[4];
    UNROLL for (u32 k = 0; k < 4; k++) a[k] = tile_get(tile, at + k * step);
    if (EVALUATE) {
        butterfly<EVALUATE>(a[0], a[1], inner);
        butterfly<EVALUATE>(a[2], a[3], inner);
    }
    butterfly<EVALUATE>(a[0], a[2], outer);
    butterfly<EVALUATE>(a[1], a[3], outer_odd);
    if (!EVALUATE) {
        butterfly<EVALUATE>(a[0], a[1], inner);
        butterfly<EVALUATE>(a[2], a[3], inner);
        a[0] = felt_reduce(a[0]);
        a[2] = felt_reduce(a[2]);
    }
    UNROLL for (u32 k = 0; k < 4; k++) tile_set(tile, at + k * step, a[k]);
}

// All stages of a tile, which is in shared memory and stays there. Elements below p become ones below 31 p.
template <bool EVALUATE>
DEVICE void ntt_stages(const Pass& pass, const Tile& tile) {
    const u32 odd = pass.log_points & 1;
    if (EVALUATE && odd) {
        ntt_first_stage(pass, tile);
        block_barrier();
    }
    NO_UNROLL for (u32 i = odd; i < pass.log_points; i += 2) {
        ntt_two_stages<EVALUATE>(pass, tile, EVALUATE ? i : pass.log_points - 2 + odd - i);
        block_barrier();
    }
    if (!EVALUATE && odd) {
        ntt_first_stage(pass, tile);
        block_barrier();
    }
}

template <bool EVALUATE>
DEVICE void ntt_pass(const Felt* from, Felt* to, const Pass& pass) {
    SHARED(HalfFelt, low, NTT_TILE);
    SHARED(HalfFelt, high, NTT_TILE);
    const Tile tile = {low, high};
    const u32 tile_len = 1u << (pass.log_points + pass.log_lines);
    Felt scales[NTT_PER_THREAD];
    UNROLL for (u32 k = 0; k < NTT_PER_THREAD; k++) {
        const u32 slot = threadIdx.x + k * NTT_THREADS;
        if (slot < tile_len) scales[k] = ntt_scale<EVALUATE>(pass, ntt_place(pass, slot));
    }
    for (u32 column = blockIdx.y; column < pass.n_columns; column += gridDim.y) {
        const u64 start = (u64)column << pass.log_len;
        UNROLL for (u32 k = 0; k < NTT_PER_THREAD; k++) {
            const u32 slot = threadIdx.x + k * NTT_THREADS;
            if (slot >= tile_len) continue;
            const Place place = ntt_place(pass, slot);
            Felt a = from[start + place.index];
            if (EVALUATE) a = felt_mul(a, scales[k]);
            tile_set(tile, place.in_tile, a);
        }
        block_barrier();
        ntt_stages<EVALUATE>(pass, tile);
        UNROLL for (u32 k = 0; k < NTT_PER_THREAD; k++) {
            const u32 slot = threadIdx.x + k * NTT_THREADS;
            if (slot >= tile_len) continue;
            const Place place = ntt_place(pass, slot);
            Felt a = tile_get(tile, place.in_tile);
            if (!EVALUATE) a = felt_mul(a, scales[k]);
            // The next pass scales what it reads.
            if (EVALUATE && pass.log_stride + pass.log_points == pass.log_len) a = felt_reduce(a);
            to[start + place.index] = a;
        }
        block_barrier();
    }
}

// From coefficients in bit-reversed order to evaluations in natural order; strides grow from pass to pass.
KERNEL_RESIDENT(NTT_THREADS, NTT_RESIDENT, evaluate_pass, const Felt* from, Felt* to, Pass pass) { ntt_pass<true>(from, to, pass); }

// From evaluations in natural order to coefficients in bit-reversed order; strides shrink from pass to pass.
KERNEL_RESIDENT(NTT_THREADS, NTT_RESIDENT, interpolate_pass, const Felt* from, Felt* to, Pass pass) { ntt_pass<false>(from, to, pass); }

// Evaluation at single points. Neighbours of `2^log_len` coefficients in bit-reversed order are those of `x^i` and
// `x^(i + n/2)`, so they fold with `x^(n/2)`, the results with `x^(n/4)`, and so on. A block folds a tile of one
// column for every point of its group.
#define HORNER_THREADS 128
#define HORNER_PER_THREAD 8

struct HornerGroup {
    // Where the group's coefficients begin, its first point, and one after its last.
    u64 start;
    u32 first_point, end_point;
};

// Entry `k` of a point's `log_points` powers is `x^(n / 2^(k+1))`; this launch begins with power `first_power` and
// folds `log_tile` times, adding p each time at most. Partial `i` of point `p` goes to `out[p * gridDim.x + i]`.
KERNEL(HORNER_THREADS, evaluate_fold, const Felt* coefficients, Felt* out, const HornerGroup* groups,
       const Felt* powers, u32 n_powers, u32 first_power, u32 log_tile) {
    SHARED(Felt, partial, HORNER_THREADS);
    const HornerGroup group = groups[blockIdx.y];
    const u32 tile_len = 1u << log_tile;
    const u32 log_own = log_tile < 3 ? log_tile : 3;
    const Felt* tile = coefficients + group.start + ((u64)blockIdx.x << log_tile);
    Felt own[HORNER_PER_THREAD];
    const u32 first = threadIdx.x << log_own;
    UNROLL for (u32 k = 0; k < HORNER_PER_THREAD; k++) {
        own[k] = felt_zero();
        if (first + k < tile_len && k < 1u << log_own) own[k] = tile[first + k];
    }
    for (u32 point = group.first_point; point < group.end_point; point++) {
        const Felt* power = powers + (u64)point * n_powers + first_power;
        Felt folded[HORNER_PER_THREAD];
        UNROLL for (u32 k = 0; k < HORNER_PER_THREAD; k++) folded[k] = own[k];
        UNROLL for (u32 level = 0; level < 3; level++) {
            if (level >= log_own) break;
            const Felt x = power[level];
            UNROLL for (u32 k = 0; k < (u32)HORNER_PER_THREAD >> (level + 1); k++) {
                folded[k] = felt_add_lazy(folded[2 * k], felt_mul(x, folded[2 * k + 1]));
            }
        }
        // A thread beyond the tile has folded zeros.
        partial[threadIdx.x] = folded[0];
        block_barrier();
        for (u32 level = log_own; level < log_tile; level++) {
            const u32 n = 1u << (log_tile - level - 1);
            Felt sum = felt_zero();
            if (threadIdx.x < n) {
                sum = felt_add_lazy(partial[2 * threadIdx.x], felt_mul(power[level], partial[2 * threadIdx.x + 1]));
            }
            block_barrier();
            if (threadIdx.x < n) partial[threadIdx.x] = sum;
            block_barrier();
        }
        if (threadIdx.x == 0) out[(u64)point * gridDim.x + blockIdx.x] = felt_reduce(partial[0]);
        block_barrier();
    }
}
