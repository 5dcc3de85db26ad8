//! The unit of cost: one multiplication by `ark-ff`'s own code for this field, on one core.
//!
//! A cost in these units hardly depends on the machine, so it can be compared with a cost measured elsewhere.

// The derive checks for a feature of ark-ff, and leaves an import unused.
#![allow(unexpected_cfgs, unused_imports)]

use ark_ff::{Fp256, MontBackend, MontConfig};
use std::hint::black_box;
use std::time::Instant;

/// The Starknet field as `ark-ff` derives it, independent of the implementation in `quarry-kernels`.
#[derive(MontConfig)]
#[modulus = "3618502788666131213697322783095070105623107215331596699973092056135872020481"]
#[generator = "3"]
pub struct ReferenceConfig;

/// An element of the reference field.
pub type ReferenceFelt = Fp256<MontBackend<ReferenceConfig, 4>>;

/// Elements multiplied per pass: few enough for the first-level cache.
const LANES: usize = 256;
/// Passes per measurement.
const PASSES: usize = 2_000;
/// Number of measurements. The fastest counts, because the others were disturbed.
const REPEATS: usize = 20;

/// Seconds per multiplication on one core, measured now with many independent multiplications. Takes about a seventh of
/// a second.
pub fn seconds_per_multiplication() -> f64 {
    let factor = ReferenceFelt::from(0x1234_5678_9abc_def1_u64);
    let mut lanes: Vec<ReferenceFelt> = (1..=LANES as u64).map(ReferenceFelt::from).collect();
    (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..PASSES {
                for lane in &mut lanes {
                    *lane *= factor;
                }
                black_box(&mut lanes);
            }
            start.elapsed().as_secs_f64() / (PASSES * LANES) as f64
        })
        .fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::PrimeField;
    use quarry_kernels::Felt;

    #[test]
    fn the_reference_is_the_same_field() {
        let theirs = |x: u64| {
            let x = ReferenceFelt::from(x);
            (x * x * x * x * x).into_bigint()
        };
        let ours = |x: u64| {
            let x = Felt::from(x);
            (x * x * x * x * x).into_bigint()
        };
        assert_eq!(ReferenceFelt::MODULUS, Felt::MODULUS);
        assert_eq!(theirs(u64::MAX), ours(u64::MAX));
    }

    #[test]
    fn a_multiplication_takes_nanoseconds() {
        let seconds = seconds_per_multiplication();
        assert!((1e-9..1e-6).contains(&seconds), "{seconds}");
    }
}
