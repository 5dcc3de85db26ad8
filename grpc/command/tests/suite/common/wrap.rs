//! Proofs that are wrapped, and what a wrapped one shows.

use super::Folder;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A packed proof of the profile `cairo-verifier`, in layout `small`.
pub const INNER: &str = "prover-core/tests/data/wrap/small.json.gz";

/// Unpacks a text file of the repository.
pub fn unpacked(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let mut text = String::new();
    let file = File::open(path).expect("a file");
    GzDecoder::new(file).read_to_string(&mut text).expect("a text");
    text
}

/// What the output of a wrapped proof says of the inner one: the Poseidon hash of its program, and its output.
pub fn of_inner(folder: &Folder, inner: &str) -> Vec<String> {
    let inner = folder
        .quarry(&format!("verify {inner} --run relaxed --json"))
        .exits(0)
        .json();
    let hash = [word(&inner["program_hash_poseidon"])];
    hash.into_iter().chain(words(&inner["output"])).collect()
}

/// The words of an output.
pub fn words(output: &Value) -> Vec<String> {
    output.as_array().expect("words").iter().map(word).collect()
}

fn word(value: &Value) -> String {
    value.as_str().expect("a word").to_owned()
}
