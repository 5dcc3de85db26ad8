//! Sizes of scans, which work on runs of cells and then scan the folds of the runs.

use crate::felt::Felt;

/// Cells per run.
pub(crate) const RUN: u64 = 16;

/// Elements per run of an inversion.
pub(crate) const INVERT_RUN: u64 = 8;

/// The fold of a run: two elements.
pub(crate) type Pair = [Felt; 2];

/// Bytes of the folds of `n_runs` runs, of the folds of their runs, and so on: all levels are held at once.
fn folds_bytes(n_runs: u64) -> u64 {
    let levels = std::iter::successors(Some(n_runs), |n| (*n > 1).then(|| n.div_ceil(RUN)));
    levels.sum::<u64>() * size_of::<Pair>() as u64
}

/// Bytes of scratch for the inversion of `n` elements: one fold per run, and one for the product of all.
pub(crate) fn inversion_scratch(n: u64) -> u64 {
    folds_bytes(n.div_ceil(INVERT_RUN) + 1)
}
