//! Scans in runs, and scans of the runs' folds.

use crate::felt::Felt;

/// Cells of a run.
pub(crate) const RUN: u64 = 16;

/// Elements of a run of inverses.
pub(crate) const INVERT_RUN: u64 = 8;

/// What a run folds to: two elements.
pub(crate) type Pair = [Felt; 2];

/// Bytes that the folds of so many runs take, and the folds of their runs, and so on: all are held at once.
fn folds_bytes(n_runs: u64) -> u64 {
    let levels = std::iter::successors(Some(n_runs), |n| (*n > 1).then(|| n.div_ceil(RUN)));
    levels.sum::<u64>() * size_of::<Pair>() as u64
}

/// Bytes of scratch that the inversion of `n` elements takes: a fold a run, and one for the products of all.
pub(crate) fn inversion_scratch(n: u64) -> u64 {
    folds_bytes(n.div_ceil(INVERT_RUN) + 1)
}
