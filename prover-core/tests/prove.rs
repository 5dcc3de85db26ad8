//! The main claim: our proof bytes are Stone's, for every case in the repository.
#![cfg(feature = "prover")]

mod common;

use common::Golden;
use common::proving::{cpu, prove_golden, prove_golden_on};
#[cfg(feature = "slow-tests")]
use quarry_prover_core::cairo::layouts::STATIC_LAYOUTS;

fn check(golden: &Golden) {
    let stone = golden.annotated_proof();
    let proof = prove_golden(golden, stone.is_some());
    golden.assert_same_proof(&proof.bytes);
    if let Some(stone) = stone {
        assert_eq!(
            proof.annotations,
            Some(stone.annotations),
            "{}: annotations",
            golden.name()
        );
    }
}

/// Without the slow tier, a case that takes Stone longer than so many CPU seconds is left out.
const QUICK_SECONDS: f64 = 8.0;

/// In the slow tier, a case that takes Stone longer than so many CPU seconds is left to the long one.
#[cfg(feature = "slow-tests")]
const SLOW_SECONDS: f64 = 70.0;

#[test]
fn proofs_are_stones_byte_for_byte() {
    let mut proved = 0;
    for golden in common::corpus() {
        let in_time = cfg!(feature = "slow-tests") || golden.stone_cpu_seconds <= QUICK_SECONDS;
        if golden.digest.is_some() && in_time {
            check(&golden);
            proved += 1;
        }
    }
    assert!(proved >= 30, "only {proved} cases were found");
}

/// The other layouts, up to the cases that take Stone some minutes.
#[test]
#[cfg(feature = "slow-tests")]
fn proofs_of_other_layouts_are_stones() {
    let layouts: Vec<&str> = STATIC_LAYOUTS
        .iter()
        .map(|layout| layout.name)
        .filter(|name| !["plain", "small"].contains(name))
        .collect();
    for golden in common::external(&layouts) {
        if golden.stone_cpu_seconds <= SLOW_SECONDS {
            check(&golden);
            println!("{}", golden.name());
        }
    }
}

#[test]
fn the_nonce_does_not_depend_on_the_number_of_threads() {
    let golden = common::repository()
        .into_iter()
        .find(|golden| golden.name() == "plain/fib_2p9/blake");
    let golden = golden.expect("the case is in the repository");
    for n_threads in [1, 2, 5] {
        let proof = prove_golden_on(&cpu(Some(n_threads)), &golden, false);
        golden.assert_same_proof(&proof.bytes);
    }
}
