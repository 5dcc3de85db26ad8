//! Splits transforms into passes of several stages.

use super::tables::powers;
use crate::felt::Felt;
use ark_ff::Field;

/// Maximum logarithm of the points per line, in all passes but the first. A tile then has at least four lines, and
/// reads at least 128 contiguous bytes at a time.
const MAX_LOG_POINTS: u32 = 8;

/// The stages of one launch: their butterflies start `2^log_stride` apart, and a line has `2^log_points` points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stages {
    pub(crate) log_stride: u32,
    pub(crate) log_points: u32,
}

/// The passes of an evaluation in order, for tiles of `2^log_tile` elements. An interpolation runs them in reverse.
pub(crate) fn passes(log_len: u32, log_tile: u32) -> Vec<Stages> {
    let max_log_points = MAX_LOG_POINTS.min(log_tile - 2);
    let n_passes = 1 + log_len.saturating_sub(log_tile).div_ceil(max_log_points);
    let mut rest = log_len;
    let mut passes = Vec::new();
    for before in (0..n_passes).rev() {
        let log_points = if before == 0 {
            rest
        } else {
            max_log_points.min(rest / (before + 1))
        };
        rest -= log_points;
        passes.push(Stages {
            log_stride: rest,
            log_points,
        });
    }
    passes.reverse();
    passes
}

/// `first` times the powers of the shift of a block of these stages, `shift^(n / block)`.
pub(crate) fn line_scales(stages: Stages, log_len: u32, first: Felt, shift: Felt) -> Vec<Felt> {
    let mut ratio = shift;
    for _ in 0..log_len - stages.log_stride - stages.log_points {
        ratio.square_in_place();
    }
    powers(first, ratio).take(1 << stages.log_points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_cover_every_stage_once() {
        for (log_len, log_tile) in (0..=32).flat_map(|log_len| [(log_len, 9), (log_len, 10)]) {
            let passes = passes(log_len, log_tile);
            let mut next = 0;
            for Stages {
                log_stride,
                log_points,
            } in &passes
            {
                assert_eq!(*log_stride, next);
                assert!(
                    *log_points
                        <= if next == 0 {
                            log_tile
                        } else {
                            MAX_LOG_POINTS.min(log_tile - 2)
                        }
                );
                next += log_points;
            }
            assert_eq!(next, log_len);
        }
        let n_passes = |log_len| passes(log_len, 10).len();
        assert_eq!((n_passes(10), n_passes(18), n_passes(24)), (1, 2, 3));
    }
}
