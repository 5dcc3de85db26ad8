//! Tests that the judge accepts a valid proof and rejects changed ones. The environment variable `JUDGE_PROOF` names
//! the proof file; its layout and hash must be those of this build's features.

use serde_json::Value;
use std::process::{Command, Output};

/// The proof under test. Without a file the test fails; it is not skipped.
fn proof_file() -> Value {
    let path = std::env::var_os("JUDGE_PROOF").expect("JUDGE_PROOF must name a proof file");
    serde_json::from_slice(&std::fs::read(path).expect("a file that can be read")).expect("JSON")
}

fn judge(file: &Value) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("proof.json");
    std::fs::write(&path, file.to_string()).expect("a folder that can be written");
    Command::new(env!("CARGO_BIN_EXE_judge"))
        .arg(path)
        .output()
        .expect("the judge runs")
}

#[track_caller]
fn assert_refused(file: &Value, reason: &str) {
    let output = judge(file);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "accepted");
    assert!(stderr.contains(reason), "refused for another reason: {stderr}");
}

/// Changes the last hexadecimal digit of `text[..end]`.
fn change_digit(text: &str, end: usize) -> String {
    let last = if text.as_bytes()[end - 1] == b'1' {
        "2"
    } else {
        "1"
    };
    format!("{}{last}{}", &text[..end - 1], &text[end..])
}

/// Changes the first value of the first annotation that contains `needle`, and the proof bytes with it.
fn change_message(file: &mut Value, needle: &str) {
    let lines = file["annotations"].as_array_mut().expect("annotations");
    let line = lines
        .iter_mut()
        .find(|line| {
            line.as_str()
                .is_some_and(|line| line.starts_with("P->V") && line.contains(needle))
        })
        .expect("such a line");
    let text = line.as_str().expect("text");
    let value = text.find("(0x").expect("a value");
    let end = value + text[value..].find([',', ')']).expect("the end of the value");
    let begin: usize = text[5..text.find(':').expect("a range")]
        .parse()
        .expect("a number");
    *line = change_digit(text, end).into();
    let hex = file["proof_hex"].as_str().expect("proof_hex");
    file["proof_hex"] = change_digit(hex, 2 + 2 * (begin + 32)).into();
}

#[test]
fn a_true_proof_is_accepted() {
    let output = judge(&proof_file());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stdout.contains("program hash: 0x"), "{stdout}");
}

/// The sibling nodes of FRI layers 1 and up are not in the list: swiftness 1.0.0 computes those decommitments and
/// ignores the result, so it accepts any nodes there. Quarry's verifier and the byte equality with Stone cover them.
#[test]
fn a_changed_commitment_or_path_or_value_is_refused_by_swiftness() {
    for needle in [
        "/Original/Commit on Trace: Commitment",
        "/OODS values: ",
        "/FRI/Commitment/Layer 1: Commitment",
        "/Last Layer: Coefficients",
        "/Trace 0: For node",
        "/Trace 2: For node",
    ] {
        let mut file = proof_file();
        change_message(&mut file, needle);
        let output = judge(&file);
        assert!(!output.status.success(), "accepted with another {needle}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("annotation"), "{needle}: {stderr}");
    }
}

#[test]
fn a_changed_statement_is_refused() {
    let mut file = proof_file();
    let first = &mut file["public_input"]["public_memory"][0]["value"];
    *first = change_digit(first.as_str().expect("text"), first.as_str().expect("text").len()).into();
    assert_refused(&file, "refused");
}

#[test]
fn bytes_that_differ_from_the_annotations_are_refused() {
    let mut file = proof_file();
    let hex = file["proof_hex"].as_str().expect("proof_hex").to_owned();
    file["proof_hex"] = change_digit(&hex, hex.len()).into();
    assert_refused(&file, "not what their annotation says");

    file["proof_hex"] = format!("{hex}00").into();
    assert_refused(&file, "annotations end at byte");

    file["proof_hex"] = hex[..hex.len() - 2].into();
    assert_refused(&file, "not what their annotation says");
}
