//! The parameters of FRI.

use super::MAX_LOG_DOMAIN;
use crate::cairo::layouts::CPU_COMPONENT_HEIGHT;
use crate::json::{JsonError, Place};

/// Maximum number of queries: more than any security target needs, few enough to bound a verifier's work.
const MAX_QUERIES: u32 = 1 << 16;

/// Maximum number of steps: all but the first fold the domain.
const MAX_STEPS: usize = MAX_LOG_DOMAIN as usize + 1;

/// Maximum number of proof-of-work bits.
const MAX_PROOF_OF_WORK_BITS: u32 = 64;

/// The parameters of FRI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriParameters {
    /// Logarithms of the folding factors. The first may be 0; the others are not.
    pub fri_step_list: Vec<u32>,
    /// Number of coefficients of the last layer.
    pub last_layer_degree_bound: u64,
    /// Number of queries.
    pub n_queries: usize,
    /// Leading zero bits of the proof of work; 0 for none.
    pub proof_of_work_bits: u32,
}

impl FriParameters {
    /// The first step: a query indexes the domain after it.
    pub fn first_step(&self) -> u32 {
        self.fri_step_list.first().copied().unwrap_or(0)
    }
}

impl FriParameters {
    pub(super) fn from_json(fri: &Place<'_>) -> Result<Self, JsonError> {
        let list = fri.key("fri_step_list")?;
        let step = |(i, place): (usize, Place<'_>)| in_range(place, u32::from(i > 0), MAX_LOG_DOMAIN);
        let steps = list.elements()?.take(MAX_STEPS + 1).enumerate();
        let fri_step_list: Vec<_> = steps.map(step).collect::<Result<_, _>>()?;
        if fri_step_list.is_empty() {
            return Err(list.error("at least one step"));
        }
        if fri_step_list.len() > MAX_STEPS {
            return Err(list.error(format!("at most {MAX_STEPS} steps")));
        }
        let bound = fri.key("last_layer_degree_bound")?;
        let last_layer_degree_bound = u64::from(bound.size()?);
        if !last_layer_degree_bound.is_power_of_two() {
            return Err(bound.error("a power of two"));
        }
        Ok(Self {
            fri_step_list,
            last_layer_degree_bound,
            n_queries: in_range(fri.key("n_queries")?, 1, MAX_QUERIES)? as usize,
            proof_of_work_bits: in_range(fri.key("proof_of_work_bits")?, 0, MAX_PROOF_OF_WORK_BITS)?,
        })
    }

    /// The sum of all steps.
    pub fn log_reduction(&self) -> u32 {
        self.fri_step_list.iter().sum()
    }

    /// The single changes that would make the parameters fit, in words.
    pub(super) fn would_fit(&self, last: u64, steps: u64, log_trace: u64) -> String {
        let mut changes = Vec::new();
        if let Some(log) = log_trace.checked_sub(steps).filter(|&log| log < 32) {
            changes.push(format!("last_layer_degree_bound {}", 1u64 << log));
        }
        let list = log_trace.checked_sub(last).and_then(|sum| self.steps_of_sum(sum));
        if let Some(list) = list {
            changes.push(format!("fri_step_list {list:?}"));
        }
        let log_steps = (last + steps).checked_sub(CPU_COMPONENT_HEIGHT.ilog2().into());
        if let Some(log) = log_steps.filter(|&log| log < 64) {
            changes.push(format!("n_steps {}", 1u64 << log));
        }
        changes.join(", or ")
    }

    /// A list with this sum that begins like the current one; further steps are at most 4, the usual maximum.
    fn steps_of_sum(&self, sum: u64) -> Option<Vec<u64>> {
        const USUAL: u64 = 4;
        let mut list = Vec::new();
        let mut left = sum;
        for &step in &self.fri_step_list {
            let step = u64::from(step).min(left);
            if step > 0 || list.is_empty() {
                list.push(step);
            }
            left -= step;
        }
        while left > 0 {
            list.push(left.min(USUAL));
            left -= left.min(USUAL);
        }
        (sum <= MAX_LOG_DOMAIN.into()).then_some(list)
    }
}

/// A 32-bit integer between bounds.
pub(super) fn in_range(place: Place<'_>, min: u32, max: u32) -> Result<u32, JsonError> {
    let value = place.size()?;
    let inside = (min..=max).contains(&value);
    inside
        .then_some(value)
        .ok_or_else(|| place.error(format!("an integer from {min} to {max}")))
}
