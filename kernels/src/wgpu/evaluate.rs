//! Single evaluations, which fold over some bits of the index at a time.
//!
//! The coefficient at index `i` belongs to `x^bit_reverse(i)`. So a fold over bits `low .. low + n` of the index is a
//! sum with the weights `x^bit_reverse(i)`, for the indices `i` in which only those bits may be set. Each launch folds
//! over the highest bits that are left, so that neighbouring invocations read neighbouring elements. If a column has
//! several chunks, every chunk is folded separately, and the bits that select the chunk come last.

use super::SCRATCH;
use super::WgpuDevice;
use super::kernels::{Kernel, Parameters, WORKGROUP};
use super::memory::Allocation;
use super::transfer::download;
use crate::columns::{BitReversed, Columns};
use crate::device::{DeviceBuffer, DeviceError, Pending, check_range};
use crate::domain::bit_reverse;
use crate::felt::Felt;
use ark_ff::Field;
use std::ops::Range;
use wgpu::Buffer;

/// Maximum number of index bits that one launch folds over.
const MAX_FOLD_BITS: u32 = 8;

/// Scratch counts as little if it is at most one part of the columns in this many, or at most this many elements.
const PARTS_OF_COLUMNS: usize = 8;
const LITTLE: usize = 1 << 15;

/// Number of bits that a launch folds over: such that it has about as many weights as sums remain, if these are few.
fn fold_bits(log_bound: u32) -> u32 {
    MAX_FOLD_BITS.min(log_bound.div_ceil(2))
}

/// `Job` of `evaluate.wgsl`.
struct Job {
    start: u32,
    weights: u32,
    out: u32,
}

/// The ranges of bits that the launches fold over, within the lowest `log_bound` bits of the index, highest range
/// first.
fn fields(log_bound: u32) -> Vec<Range<u32>> {
    let mut fields = Vec::new();
    let mut end = log_bound;
    while end > 0 {
        let start = end.saturating_sub(fold_bits(log_bound));
        fields.push(start..end);
        end = start;
    }
    fields
}

/// The weights of a range of bits of an index of `log_len` bits.
fn weights(x: Felt, field: &Range<u32>, log_len: u32) -> Vec<Felt> {
    let n_bits = field.end - field.start;
    // Bit `field.end - 1` of the index is the lowest bit of the range in the exponent.
    let mut base = x;
    for _ in 0..log_len - field.end {
        base.square_in_place();
    }
    let powers: Vec<Felt> = crate::launch::tables::powers(Felt::ONE, base)
        .take(1 << n_bits)
        .collect();
    (0..1 << n_bits).map(|i| powers[bit_reverse(i, n_bits)]).collect()
}

impl WgpuDevice {
    pub(super) fn evaluate_points(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        let log_len = coefficients.log_len();
        let log_bound = log_len.min(self.chunk_len().ilog2());
        let n_chunks = 1usize << (log_len - log_bound);
        // The weights of a launch and the sums it leaves must be little beside the columns.
        let n_bits = fold_bits(log_bound);
        let per_point = n_chunks << (log_bound - n_bits).max(n_bits);
        let little = (coefficients.values().len() / PARTS_OF_COLUMNS).max(LITTLE);
        // Every chunk of every point is one layer of a launch.
        let most_layers = self.context.limits.max_compute_workgroups_per_dimension as usize;
        let at_once = (little.min(self.chunk_len()) / per_point).min(most_layers / n_chunks);
        check_range("evaluate_at", 0, 1, at_once)?;
        let mut parts = Vec::new();
        for at in at.chunks(at_once) {
            parts.push(self.evaluate_some(coefficients, at, log_bound)?);
        }
        Ok(Pending::waiting(move || {
            let mut values = Vec::new();
            for part in parts {
                values.extend(part.wait()?);
            }
            Ok(values)
        }))
    }

    fn evaluate_some(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
        log_bound: u32,
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        let log_len = coefficients.log_len();
        let n_chunks = 1usize << (log_len - log_bound);
        // Many points have the same `x`, and therefore the same weights.
        let mut xs: Vec<Felt> = at.iter().map(|(_, x)| *x).collect();
        xs.sort();
        xs.dedup();
        let mut fields = fields(log_bound);
        // A column of one coefficient is folded too, over no bits.
        if n_chunks > 1 || fields.is_empty() {
            fields.push(log_bound..log_len);
        }
        let mut values: Option<Allocation> = None;
        for field in fields {
            let is_last = field.start == 0 && n_chunks == 1 || field.end == log_len && n_chunks > 1;
            let n_sums = if field.start >= log_bound {
                1
            } else {
                1usize << field.start
            };
            // Polynomials are chunks of columns until the bits that select the chunk are folded.
            let chunks = if field.start >= log_bound { 1 } else { n_chunks };
            let n_terms = 1usize << (field.end - field.start);
            let all_weights: Vec<Felt> = xs.iter().flat_map(|x| weights(*x, &field, log_len)).collect();
            let all_weights = Allocation::upload(&self.context, &all_weights, SCRATCH)?;
            let out = Allocation::take::<Felt>(&self.context, at.len() * chunks * n_sums, SCRATCH)?;
            let mut launches: Vec<(&Buffer, Vec<Job>)> = Vec::new();
            for (i, (column, x)) in at.iter().enumerate() {
                let x = xs.partition_point(|other| other < x);
                for chunk in 0..chunks {
                    let (buffer, start) = match &values {
                        None => {
                            let first = (column << log_len) + (chunk << log_bound);
                            let memory = &coefficients.values().memory;
                            let piece = memory.piece::<Felt>(first, 1 << log_bound)?;
                            (piece.buffer, piece.start)
                        }
                        Some(values) => {
                            let job = i * chunks + chunk;
                            (values.whole()?, (job * n_terms * n_sums) as u32)
                        }
                    };
                    let job = Job {
                        start,
                        weights: (x * n_terms) as u32,
                        out: ((i * chunks + chunk) * n_sums) as u32,
                    };
                    match launches.iter_mut().find(|launch| launch.0 == buffer) {
                        Some(launch) => launch.1.push(job),
                        None => launches.push((buffer, vec![job])),
                    }
                }
            }
            for (buffer, jobs) in &launches {
                let words: Vec<u32> = jobs
                    .iter()
                    .flat_map(|job| [job.start, job.weights, job.out, 0])
                    .collect();
                let words = Allocation::upload(&self.context, &words, SCRATCH)?;
                let parameters = Parameters::default().words(&[n_terms as u32, n_sums as u32]);
                self.context.launch(
                    Kernel::EvaluateFold,
                    parameters.bytes(),
                    &[buffer, all_weights.whole()?, words.whole()?, out.whole()?],
                    n_sums.div_ceil(WORKGROUP) as u64,
                    jobs.len(),
                )?;
            }
            drop(launches);
            values = Some(out);
            if is_last {
                break;
            }
        }
        match &values {
            Some(values) => download(&self.context, values, 0..at.len()),
            None => Ok(Pending::ready(Vec::new())),
        }
    }
}
