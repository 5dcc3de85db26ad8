// Scans in runs: a thread folds a run, the folds are scanned the same way, and a thread walks its run again from what
// comes before it.
#pragma once
#include "felt.cuh"

#define SCAN_RUN 16

struct Pair {
    Felt a, b;
};

// Two products side by side.
struct TwoProducts {
    static DEVICE_MEMBER Pair join(Pair first, Pair then) {
        return Pair{felt_mul(first.a, then.a), felt_mul(first.b, then.b)};
    }
    static DEVICE_MEMBER Pair identity() { return Pair{felt_one(), felt_one()}; }
};

// The map `x -> a x + b`, first one and then the other.
struct Affine {
    static DEVICE_MEMBER Pair join(Pair first, Pair then) {
        return Pair{felt_mul(first.a, then.a), felt_add(felt_mul(first.b, then.a), then.b)};
    }
    static DEVICE_MEMBER Pair identity() { return Pair{felt_one(), felt_zero()}; }
};

// `folds[r]` becomes the fold of run `r` of `pairs`.
template <class Monoid>
DEVICE void fold_runs(const Pair* pairs, Pair* folds, u64 n) {
    const u64 run = thread_index();
    if (run * SCAN_RUN >= n) return;
    Pair fold = Monoid::identity();
    for (u64 i = run * SCAN_RUN; i < n && i < (run + 1) * SCAN_RUN; i++) fold = Monoid::join(fold, pairs[i]);
    folds[run] = fold;
}

// Every pair becomes the fold of all before it; `before[r]` is that of run `r` (nothing, where it is null).
template <class Monoid>
DEVICE void scan_runs(Pair* pairs, const Pair* before, u64 n) {
    const u64 run = thread_index();
    if (run * SCAN_RUN >= n) return;
    Pair fold = before ? before[run] : Monoid::identity();
    for (u64 i = run * SCAN_RUN; i < n && i < (run + 1) * SCAN_RUN; i++) {
        const Pair pair = pairs[i];
        pairs[i] = fold;
        fold = Monoid::join(fold, pair);
    }
}

KERNEL(128, fold_products, const Pair* pairs, Pair* folds, u64 n) { fold_runs<TwoProducts>(pairs, folds, n); }
KERNEL(128, scan_products, Pair* pairs, const Pair* before, u64 n) { scan_runs<TwoProducts>(pairs, before, n); }
KERNEL(128, fold_affine, const Pair* pairs, Pair* folds, u64 n) { fold_runs<Affine>(pairs, folds, n); }
KERNEL(128, scan_affine, Pair* pairs, const Pair* before, u64 n) { scan_runs<Affine>(pairs, before, n); }

// A part of a tuple: the cells `cells[i * step]`, times `weight`.
struct Part {
    Felt weight;
    const Felt* cells;
    u64 is_first;
};

// `z` less the tuple of cell `i`.
DEVICE Felt shifted_tuple(const Part* parts, u32 n_parts, Felt z, u64 cell) {
    Felt rest = z;
    for (u32 k = 0; k < n_parts; k++) {
        Felt value = parts[k].cells[cell];
        if (!parts[k].is_first) value = felt_mul(value, parts[k].weight);
        rest = felt_sub(rest, value);
    }
    return rest;
}

// The running product of numerators over denominators, with one inversion: with N the product of the numerators up to a
// cell, S that of the denominators after it and D that of all of them, it is N S / D.
//
// `folds[r].a` becomes the product of the numerators of run `r`, and `folds[n_runs - 1 - r].b` that of its
// denominators, so that a scan gives what is before a run and what is after it. The last entry, `n_runs`, is
// for the products of all.
KERNEL(128, permutation_folds, const Part* original, const Part* sorted, u32 n_parts, Felt z, u64 step, u64 n_cells,
       Pair* folds) {
    const u64 run = thread_index();
    const u64 n_runs = (n_cells + SCAN_RUN - 1) / SCAN_RUN;
    if (run >= n_runs) return;
    Pair fold = TwoProducts::identity();
    for (u64 i = run * SCAN_RUN; i < n_cells && i < (run + 1) * SCAN_RUN; i++) {
        fold.a = felt_mul(fold.a, shifted_tuple(original, n_parts, z, i * step));
        fold.b = felt_mul(fold.b, shifted_tuple(sorted, n_parts, z, i * step));
    }
    folds[run].a = fold.a;
    folds[n_runs - 1 - run].b = fold.b;
}

// The inverse of the product of all denominators takes that product's place.
KERNEL(1, inverse_of_all, Pair* folds, u64 n_runs) { folds[n_runs].b = felt_inverse(folds[n_runs].b); }

KERNEL(128, permutation_write, const Part* original, const Part* sorted, u32 n_parts, Felt z, u64 step, u64 n_cells,
       const Pair* folds, Felt* target) {
    const u64 run = thread_index();
    const u64 n_runs = (n_cells + SCAN_RUN - 1) / SCAN_RUN;
    if (run >= n_runs) return;
    const u64 begin = run * SCAN_RUN;
    const u64 end = begin + SCAN_RUN < n_cells ? begin + SCAN_RUN : n_cells;
    Felt after = felt_mul(folds[n_runs - 1 - run].b, folds[n_runs].b);
    for (u64 i = end; i-- > begin;) {
        target[i * step] = after;
        after = felt_mul(after, shifted_tuple(sorted, n_parts, z, i * step));
    }
    Felt product = folds[run].a;
    for (u64 i = begin; i < end; i++) {
        product = felt_mul(product, shifted_tuple(original, n_parts, z, i * step));
        target[i * step] = felt_mul(product, target[i * step]);
    }
}

// Inverses in place, by the same trick with numerators of 1: the inverse of an element is the product of all others, those
// before it and those after it, over that of all. (So no element may be 0.)
#define INVERT_RUN 8

KERNEL(128, inverse_folds, const Felt* elements, u64 n, Pair* folds) {
    const u64 run = thread_index();
    const u64 n_runs = (n + INVERT_RUN - 1) / INVERT_RUN;
    if (run >= n_runs) return;
    Felt fold = felt_one();
    NO_UNROLL for (u64 i = run * INVERT_RUN; i < n && i < (run + 1) * INVERT_RUN; i++) fold = felt_mul(fold, elements[i]);
    folds[run].a = fold;
    folds[n_runs - 1 - run].b = fold;
}

KERNEL(128, inverse_write, Felt* elements, u64 n, const Pair* folds) {
    const u64 run = thread_index();
    const u64 n_runs = (n + INVERT_RUN - 1) / INVERT_RUN;
    if (run >= n_runs) return;
    Felt own[INVERT_RUN], before[INVERT_RUN];
    Felt product = folds[run].a;
    UNROLL for (u32 k = 0; k < INVERT_RUN; k++) {
        const u64 i = run * INVERT_RUN + k;
        own[k] = i < n ? elements[i] : felt_one();
        before[k] = product;
        product = felt_mul(product, own[k]);
    }
    Felt after = felt_mul(folds[n_runs - 1 - run].b, folds[n_runs].b);
    UNROLL for (u32 k = INVERT_RUN; k-- > 0;) {
        const u64 i = run * INVERT_RUN + k;
        if (i < n) elements[i] = felt_mul(before[k], after);
        after = felt_mul(after, own[k]);
    }
}

// The step into cell `i`, a map of the value before it.
DEVICE Pair cumulative_step(const Felt* cells, u64 step, u64 i, Felt z, Felt alpha) {
    if (i == 0) return Affine::identity();
    const Felt difference = felt_sub(cells[i * step], cells[(i - 1) * step]);
    return Pair{felt_add(felt_one(), felt_mul(z, difference)), felt_mul(alpha, felt_square(difference))};
}

KERNEL(128, cumulative_folds, const Felt* cells, Felt z, Felt alpha, u64 step, u64 n_cells, Pair* folds) {
    const u64 run = thread_index();
    if (run * SCAN_RUN >= n_cells) return;
    Pair fold = Affine::identity();
    for (u64 i = run * SCAN_RUN; i < n_cells && i < (run + 1) * SCAN_RUN; i++) {
        fold = Affine::join(fold, cumulative_step(cells, step, i, z, alpha));
    }
    folds[run] = fold;
}

KERNEL(128, cumulative_write, const Felt* cells, Felt z, Felt alpha, u64 step, u64 n_cells, const Pair* before,
       Felt* target) {
    const u64 run = thread_index();
    if (run * SCAN_RUN >= n_cells) return;
    // The value starts at 1.
    Felt value = felt_add(before[run].a, before[run].b);
    for (u64 i = run * SCAN_RUN; i < n_cells && i < (run + 1) * SCAN_RUN; i++) {
        const Pair map = cumulative_step(cells, step, i, z, alpha);
        value = felt_add(felt_mul(value, map.a), map.b);
        target[i * step] = value;
    }
}
