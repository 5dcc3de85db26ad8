//! `wrap` and `prove --wrap`: what they say before they prove, and what they refuse; in the long tier, the whole.

use crate::common::Folder;
use crate::common::pie::fibonacci;
use crate::common::wrap::{INNER, of_inner, unpacked, words};

/// A folder with a proof of the profile `cairo-verifier`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("inner.json", unpacked(INNER));
    folder
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
    folder.write("pie.zip", fibonacci());
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
fn programs_that_cannot_wrap_are_refused_before_anything_is_proved() {
    let folder = folder();
    folder.write("pie.zip", fibonacci());
    folder.write(
        "verifier.json",
        unpacked("tasks/resources/verifiers/small.json.gz"),
    );
    folder.write("plain.json", r#"{"data": ["0x1"]}"#);
    let before = folder.names();
    for (options, said) in [
        ("--expect-verifier-hash 0x1", "the Cairo verifier has the hash 0x"),
        (
            "--verifier verifier.json --expect-verifier-hash 0x1",
            "'verifier.json': the Cairo verifier has the hash 0x",
        ),
        ("--verifier plain.json", "'plain.json': "),
        (
            "--bootloader layout",
            "accept proofs of programs with 11 builtins only",
        ),
        (
            "--wrap-bootloader simple --expect-wrap-bootloader-hash 0x1",
            " or 0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2 (Poseidon), not 0x1",
        ),
        (
            "--wrap-bootloader verifier.json",
            "'verifier.json': the hint at pc",
        ),
    ] {
        let line = "prove --pie pie.zip --layout small --wrap --device cpu --out wrapped.json";
        folder.quarry(&format!("{line} {options}")).exits(2).says(&[said]);
        assert_eq!(folder.names(), before, "{options}");
    }
    for option in [
        "--verifier verifier.json",
        "--expect-verifier-hash 1",
        "--wrap-bootloader short",
        "--expect-wrap-bootloader-hash 1",
        "--wrap-program-hash-function poseidon",
    ] {
        for command in ["prove", "submit"] {
            let ran = folder.quarry(&format!("{command} --pie pie.zip {option}"));
            ran.exits(2).says(&["--wrap"]);
        }
    }
}

/// In an inner proof it has too few builtins, except in layout dynamic.
#[test]
fn the_bootloader_of_a_layout_is_refused_before_anything_runs() {
    let folder = folder();
    // No file is read: there is none.
    let ran = |command: &str| {
        let line = format!("{command} --pie none.zip --wrap --bootloader layout");
        folder.quarry(&line)
    };
    let why = ran("prove").exits(2).stderr;
    assert!(
        why.contains("the Cairo verifiers accept proofs of programs with 11 builtins only"),
        "{why}"
    );
    assert!(why.contains("leave it out, or give short or simple"), "{why}");
    for command in ["submit", "submit --layout small", "estimate"] {
        assert_eq!(ran(command).exits(2).stderr, why, "{command}");
    }
    for command in ["submit --layout dynamic", "submit --dynamic-params none.json"] {
        ran(&format!("{command} --server http://127.0.0.1:1")).exits(4);
    }
    assert_eq!(folder.names(), ["inner.json"]);
}

#[test]
#[ignore = "the long tier: the wrapped proof has 2^20 steps and takes 12 GiB"]
fn a_pie_is_proved_and_wrapped() {
    let folder = folder();
    folder.write("pie.zip", fibonacci());
    folder
        .quarry("prove --pie pie.zip --layout small --wrap --device cpu --out wrapped.json")
        .exits(0);
    let wrapped = folder
        .quarry("verify wrapped.json --run relaxed --json")
        .exits(0)
        .json();
    let shown = words(&wrapped["output"]);
    assert_eq!(shown[..2], ["0x1", "0x8"]);
    // The program hash of the short bootloader, and its output: one task with its hash.
    assert_eq!(shown[3..], of_inner(&folder, "wrapped.inner.json"));
}
