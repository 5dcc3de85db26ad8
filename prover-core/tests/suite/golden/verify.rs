//! Stone's proofs are accepted, with Stone's annotations, and any byte after them is rejected.

use super::{corpus, proof_files};
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Recording, Verifier};

#[test]
fn golden_proofs_are_accepted() {
    let options = Expectation::any();
    for (golden, text) in proof_files() {
        let name = golden.name();
        let ProofFile {
            mut proof,
            statement,
            parameters,
            n_annotations,
            ..
        } = ProofFile::parse(&text).expect("a proof file");
        let verifier = Statement::new(&statement, &parameters)
            .and_then(Verifier::new)
            .expect("a statement");
        let (result, record) = verifier.verify_recorded(&proof, &options, Recording::Lines);
        let verified = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.n_steps, golden.n_steps);
        if let Some(annotated) = golden.annotated_proof() {
            let lines = record.lines.lines();
            assert!(lines.eq(&annotated.annotations), "{name}: annotations");
            assert_eq!(n_annotations, annotated.annotations.len());
        }
        proof.push(0);
        let error = verifier.verify(&proof, &options).expect_err("a trailing byte");
        assert!(
            error.to_string().contains("1 bytes after the proof's end"),
            "{name}: {error}"
        );
    }
}

#[test]
fn parameters_are_refused_where_stone_refuses_them() {
    for golden in corpus() {
        let input = PublicInput::parse(&golden.text("public_input.json")).expect("a public input");
        let params = Parameters::parse(&golden.parameters());
        let taken = params.is_ok_and(|params| params.fits(input.n_steps).is_ok());
        assert_eq!(taken, golden.digest.is_some(), "{}", golden.name());
    }
}

#[test]
fn weak_parameters_need_leave() {
    let (_, text) = proof_files()
        .into_iter()
        .find(|(golden, _)| golden.tag == "q1")
        .expect("one query");
    let file = ProofFile::parse(&text).expect("a proof file");
    let verifier = Statement::new(&file.statement, &file.parameters)
        .and_then(Verifier::new)
        .expect("a statement");
    let bits = file.parameters.security_bits();
    verifier
        .verify(
            &file.proof,
            &Expectation {
                min_security_bits: bits,
                ..Expectation::default()
            },
        )
        .expect("just enough");
    let error = verifier
        .verify(&file.proof, &Expectation::default())
        .expect_err("too weak");
    assert_eq!(
        error.to_string(),
        format!("the parameters give {bits} bits of security, 80 are required")
    );
    assert!(!error.is_bad_input());
}

/// The lines that Stone's verifier writes for proof splitters: the hashes of the opened rows, and for every query its
/// value and the inverse of its point in every layer of FRI.
#[test]
fn what_a_splitter_needs_is_noted() {
    let (_, text) = proof_files()
        .into_iter()
        .find(|(golden, _)| golden.tag == "q1")
        .expect("one query");
    let file = ProofFile::parse(&text).expect("a proof file");
    let verifier = Statement::new(&file.statement, &file.parameters)
        .and_then(Verifier::new)
        .expect("a statement");
    let (_, record) = verifier.verify_recorded(&file.proof, &Expectation::any(), Recording::Lines);
    let place = |line: &str| {
        let line = line
            .strip_prefix("/cpu air/STARK/FRI/Decommitment/")
            .expect("the query phase");
        line.rsplit_once('(').expect("a value").0.to_owned()
    };
    let places: Vec<_> = record.extra.lines().map(place).collect();
    let expected = [
        "Layer 0/Virtual Oracle/Trace 0: For node 199401: Hash",
        "Layer 0/Virtual Oracle/Trace 1: For node 199401: Hash",
        "Layer 0/Virtual Oracle/Trace 2: For node 199401: Hash",
        "Layer 1: Row 4270, Column 9: Field Element",
        "Layer 1: xInv for index 68329: Field Element",
        "Layer 1: For node 12462: Hash",
        "Layer 2: Row 533, Column 6: Field Element",
        "Layer 2: xInv for index 4270: Field Element",
        "Layer 2: For node 1557: Hash",
        "Last Layer: Row 533, Column 0: Field Element",
        "Last Layer: xInv for index 533: Field Element",
    ];
    assert_eq!(places, expected);
}
