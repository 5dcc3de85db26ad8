//! Stone's proof files are read, written back byte for byte, and explained to the last byte.

use super::proof_files;
use quarry_prover_core::inspect::inspect;
use quarry_prover_core::proof::{ProofFile, Version, WrittenProofFile};
use serde_json::Value;

#[test]
fn proof_files_are_written_as_stone_writes_them() {
    let mut n_same = 0;
    for (golden, text) in proof_files() {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let version = |key: &str| value["version"][key].as_str().expect("a string").to_owned();
        let file = WrittenProofFile {
            annotations: golden.annotated_proof().map(|proof| proof.annotations),
            private_input: value["private_input"].clone(),
            proof: ProofFile::parse(&text).expect("a proof file").proof,
            proof_parameters: value["proof_parameters"].clone(),
            prover_config: value["prover_config"].clone(),
            public_input: value["public_input"].clone(),
            version: Version {
                commit_hash: version("commit_hash"),
                proof_hash: version("proof_hash"),
                statement_name: version("statement_name"),
            },
        };
        let written = file.to_text();
        let again: Value = serde_json::from_str(&written).expect("JSON");
        assert!(again == value, "{}", golden.name());
        n_same += usize::from(written == text);
    }
    // The corpus also has files with other whitespace between the tokens.
    assert!(n_same >= 3, "{n_same} texts are the same");
}

#[test]
fn sections_cover_the_proof() {
    for (_, text) in proof_files() {
        let file = ProofFile::parse(&text).expect("a proof file");
        let inspection = inspect(&file).expect("a statement");
        let mut position = 0;
        for section in &inspection.sections {
            assert_eq!(section.offset, position, "{}", section.name);
            position += section.length;
        }
        assert_eq!((position, inspection.stopped), (file.proof.len(), None));
    }
}

#[test]
fn a_broken_proof_is_explained_up_to_the_break() {
    let (_, text) = proof_files().remove(0);
    let mut file = ProofFile::parse(&text).expect("a proof file");
    file.proof.truncate(file.proof.len() - 1);
    let inspection = inspect(&file).expect("a statement");
    assert!(
        inspection
            .stopped
            .as_ref()
            .is_some_and(|reason| reason.contains("the proof ends"))
    );
    assert!(inspection.sections.len() > 10);
    assert!(
        inspection
            .to_string()
            .contains("root of the first trace's Merkle tree")
    );
}
