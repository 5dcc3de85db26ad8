//! Tests on a corpus of Stone's proofs: the one in this repository, or in the slow tier the larger one that the
//! environment variable `QUARRY_GOLDEN` points to.
//!
//! Only these modules can read the larger corpus. CI's step `golden` runs only them of the suite.

mod air;
mod calldata;
mod proof_file;
mod verify;

#[cfg(feature = "prover")]
mod channel;
#[cfg(feature = "prover")]
mod prove;
#[cfg(feature = "prover")]
mod trace;

#[cfg(feature = "runner")]
mod runner;
#[cfg(all(feature = "prover", feature = "runner"))]
mod tasks;

use crate::common::{Golden, read_corpus, repository};
use crate::corpus::AnnotatedProof;
use std::path::Path;

/// Whether this is the slow tier: the environment variable `QUARRY_SLOW_TESTS` is 1. (A feature would build all again.)
fn is_slow_tier() -> bool {
    std::env::var_os("QUARRY_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// What a test goes through: the repository's corpus, or in the slow tier the larger one, which has the same rows and
/// more.
fn corpus() -> Vec<Golden> {
    if is_slow_tier() { external() } else { repository() }
}

/// The larger corpus.
///
/// # Panics
/// If `QUARRY_GOLDEN` is not set: a requested slow tier must not pass without running.
fn external() -> Vec<Golden> {
    let root = std::env::var_os("QUARRY_GOLDEN")
        .expect("QUARRY_GOLDEN is not set: the slow tier needs the corpus of golden proofs");
    read_corpus(Path::new(&root))
}

/// Stone's proof files of the corpus.
fn proof_files() -> Vec<(Golden, String)> {
    let file = |row: Golden| row.proof_file().map(|text| (row, text));
    let files: Vec<_> = corpus().into_iter().filter_map(file).collect();
    assert!(files.len() >= 3, "only {} proof files", files.len());
    files
}

/// The rows of the corpus that have an annotated proof, with the proof.
fn annotated() -> Vec<(Golden, AnnotatedProof)> {
    let with_proof = |row: Golden| row.annotated_proof().map(|proof| (row, proof));
    let proofs: Vec<_> = corpus().into_iter().filter_map(with_proof).collect();
    assert!(proofs.len() >= 3, "only {} annotated proofs", proofs.len());
    proofs
}
