//! `wrap` and `prove --wrap`: what they say before they prove, and what they refuse; in the long tier, the whole.

use crate::common::Folder;
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// A folder with a proof of the profile `cairo-verifier`.
fn folder() -> Folder {
    let folder = Folder::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover-core/tests/data/wrap/small.json.gz");
    let mut proof = String::new();
    let file = File::open(path).expect("a proof");
    GzDecoder::new(file).read_to_string(&mut proof).expect("a proof");
    folder.write("inner.json", proof);
    folder
}

fn pie() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data/fibonacci_pie.zip");
    fs::read(path).expect("a PIE")
}

#[test]
fn the_steps_and_the_memory_are_said_before_anything_is_proved() {
    let folder = folder();
    let ran = folder
        .quarry("wrap inner.json --plan --device cpu --json")
        .exits(0);
    let ran = ran.says(&["steps of the Cairo verifier: ", "steps of the proof: 1048576"]);
    let plan = ran.json();
    assert_eq!(plan["layout"], "recursive_with_poseidon");
    // The simple bootloader, and 12,908 words of the Cairo verifier hashed by Poseidon.
    assert_eq!(plan["n_steps"], 1 << 20);
    assert_eq!(folder.names(), ["inner.json"]);
}

#[test]
fn what_cannot_be_wrapped_is_refused_with_a_sentence() {
    let folder = folder();
    let refused = |line: &str, code, why: &[&str]| {
        folder
            .quarry(&format!("wrap {line} --plan --device cpu"))
            .exits(code)
            .says(why);
    };
    refused(
        "inner.json --expect-verifier-hash 0x1",
        2,
        &["the Cairo verifier has the hash 0x", "not 0x1"],
    );
    refused("inner.json --min-security-bits 97", 3, &["97"]);
    refused(
        "inner.json --step-limit 1000",
        2,
        &["did not end within 1000 steps"],
    );

    let mut proof = folder.json("inner.json");
    let hex = proof["proof_hex"].as_str().expect("a proof").to_owned();
    let last = if hex.ends_with('0') { "1" } else { "0" };
    proof["proof_hex"] = [&hex[..hex.len() - 1], last].concat().into();
    folder.write("tampered.json", proof.to_string());
    refused("tampered.json", 3, &["invalid proof"]);

    // A proof of the same corpus for Integrity, with Keccak below Poseidon.
    let other = Folder::with_case("small/c1");
    let ran = other.quarry("wrap proof_integrity_kek.json --min-security-bits 0 --plan --device cpu");
    ran.exits(2)
        .says(&["cairo-verifier", "only blake256_masked248_lsb is accepted"]);
}

#[test]
fn only_tasks_are_proved_and_wrapped_at_once() {
    let folder = folder();
    for (line, why) in [
        ("program.json --wrap", "--bootload"),
        ("--pie pie.zip --wrap --plan", "--plan"),
        ("--pie pie.zip --wrap --explain", "--explain"),
    ] {
        folder
            .quarry(&format!("prove {line}"))
            .exits(2)
            .says(&["--wrap", why]);
    }
    assert_eq!(folder.names(), ["inner.json"]);
}

#[test]
fn a_profile_that_takes_no_wrapped_proof_is_refused_first() {
    let folder = folder();
    folder.write("pie.zip", pie());
    for line in ["wrap inner.json", "prove --pie pie.zip --wrap"] {
        folder
            .quarry(&format!(
                "{line} --profile l1-sharp --device cpu --out wrapped.json"
            ))
            .exits(2)
            .says(&["does not support layout 'recursive_with_poseidon'"]);
    }
    assert_eq!(folder.names(), ["inner.json", "pie.zip"]);
}

#[test]
#[ignore = "the long tier: the wrapped proof has 2^20 steps and takes 12 GiB"]
fn a_pie_is_proved_and_wrapped() {
    let folder = folder();
    folder.write("pie.zip", pie());
    folder
        .quarry("prove --pie pie.zip --layout small --wrap --device cpu --out wrapped.json")
        .exits(0);
    // The program hash of the short bootloader, and its output: one task with its hash.
    let inner = folder
        .quarry("verify wrapped.inner.json --run relaxed --json")
        .exits(0)
        .json();
    let hash = inner["program_hash_poseidon"].as_str().expect("a hash");
    let output: Vec<_> = inner["output"]
        .as_array()
        .expect("words")
        .iter()
        .map(word)
        .collect();
    let wrapped = folder
        .quarry("verify wrapped.json --run relaxed --json")
        .exits(0)
        .json();
    let shown: Vec<_> = wrapped["output"]
        .as_array()
        .expect("words")
        .iter()
        .map(word)
        .collect();
    assert_eq!(shown[..2], ["0x1", "0x8"]);
    assert_eq!(shown[3], hash);
    assert_eq!(shown[4..], output);
}

fn word(value: &serde_json::Value) -> &str {
    value.as_str().expect("a word")
}
