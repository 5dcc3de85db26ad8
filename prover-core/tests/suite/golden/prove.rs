//! The main claim: Quarry's proof bytes equal Stone's.

use super::{corpus, external, is_slow_tier};
use crate::common::proving::{cpu, prove_golden_on, read_input, read_parameters};
use crate::common::{Golden, repository, repository_row};
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::prover::{ProveError, ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Recording, Verifier};
use std::time::Instant;

/// Proves rows one after the other, because large ones fill the memory. Compares the proofs, and the annotations where
/// the corpus has Stone's.
fn prove_all(rows: impl IntoIterator<Item = Golden>) {
    for golden in rows.into_iter().filter(|golden| golden.digest.is_some()) {
        let start = Instant::now();
        let stone = golden.annotated_proof();
        let proof = prove_golden_on(&cpu(None), &golden, stone.is_some());
        golden.assert_same_proof(&proof.bytes);
        if let Some(stone) = stone {
            assert_eq!(
                proof.annotations,
                Some(stone.annotations),
                "{}: annotations",
                golden.name()
            );
        }
        println!("{:6.1} s  {}", start.elapsed().as_secs_f64(), golden.name());
    }
}

/// Proofs that took Stone at least this much CPU time belong to the slow tier.
const SLOW_SECONDS: f64 = 65.0;

/// Cases that the slow tier leaves to the long one: they take long and cover nothing that other cases do not.
const LONG: [&str; 6] = [
    "plain/fib_2p16/base",
    "recursive/c1/integrity_blake",
    "recursive_with_poseidon/c1/integrity_blake",
    "recursive_with_poseidon/c1/integrity_kek",
    "small/fib_2p16/base",
    "starknet/c1/base",
];

#[test]
fn proofs_are_stones_byte_for_byte() {
    let mut rows = corpus();
    if is_slow_tier() {
        // What the first tier has proved is not proved again.
        let mut proved: Vec<_> = repository()
            .iter()
            .filter(|row| row.stone_cpu_seconds < SLOW_SECONDS)
            .map(Golden::name)
            .collect();
        proved.extend(LONG.map(str::to_owned));
        rows.retain(|golden| !proved.contains(&golden.name()));
    } else {
        rows.retain(|golden| golden.stone_cpu_seconds < SLOW_SECONDS);
    }
    prove_all(rows);
}

#[test]
#[ignore = "the long tier: every case of the larger corpus"]
fn every_golden_proof_is_stones_byte_for_byte() {
    prove_all(external());
}

#[test]
fn the_nonce_does_not_depend_on_the_number_of_threads() {
    let golden = repository_row("plain/fib_2p9/blake");
    for n_threads in [1, 2, 5] {
        let proof = prove_golden_on(&cpu(Some(n_threads)), &golden, false);
        golden.assert_same_proof(&proof.bytes);
    }
}

#[test]
fn an_execution_is_proved_for_its_own_statement_only() {
    let input = read_input(&repository_row("plain/fib_2p9/kek"));
    let params = read_parameters(&repository_row("plain/fib_2p9/kek"));
    let mut other = input.public.clone();
    other.rc_max += 1;
    let statement = Statement::new(&other, &params).expect("a statement");
    let refused = prove(&cpu(None), &statement, &input, &ProveOptions::default());
    assert!(matches!(refused, Err(ProveError::OtherStatement)));
}

/// Stone supports a Pedersen transcript without proof of work, but there is no such proof of Stone's to compare with.
#[test]
fn a_proof_with_a_pedersen_transcript_holds() {
    let golden = repository_row("plain/fib_2p9/kek");
    let mut file: serde_json::Value = serde_json::from_str(&golden.parameters()).expect("JSON");
    file["channel_hash"] = "pedersen".into();
    file["stark"]["fri"]["proof_of_work_bits"] = 0.into();
    let params = Parameters::from_json(&file).expect("parameters");
    let input = read_input(&golden);
    let options = ProveOptions {
        annotations: true,
        ..ProveOptions::default()
    };
    let statement = Statement::new(&input.public, &params).expect("a statement");
    let proof = prove(&cpu(None), &statement, &input, &options).expect("a proof");
    let verifier = Verifier::new(statement).expect("a statement");
    let any = Expectation::any();
    let (verified, record) = verifier.verify_recorded(&proof.bytes, &any, Recording::Lines);
    assert_eq!(verified.expect("a proof that holds").warnings, params.warnings());
    assert!(record.lines.lines().eq(proof.annotations.expect("annotations")));
    let mut changed = proof.bytes;
    changed[0] ^= 1;
    verifier.verify(&changed, &any).expect_err("another commitment");
}
