//! Stone's proof files are read and written back byte for byte, and explained to the last byte.

mod common;

use common::proof_files;
use quarry_prover_core::inspect::inspect;
use quarry_prover_core::proof::ProofFile;

#[test]
fn proof_files_are_written_as_stone_writes_them() {
    for (golden, text) in proof_files() {
        let file = ProofFile::parse(&text).expect("a proof file");
        assert!(file.to_text() == text, "{}", golden.name());
    }
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
