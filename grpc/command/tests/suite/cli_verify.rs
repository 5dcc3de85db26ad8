//! `verify` and `inspect` as processes, on a proof that Stone made.

use crate::common::{Folder, Ran};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// A case of the corpus with a proof file made by Stone.
const CASE: &str = "plain/fib_2p9";
const PROOF: &str = "proof_felt_vf_pos.json";

fn hash(ran: &Ran, form: &str) -> String {
    ran.json()[form].as_str().expect("a hash").to_owned()
}

#[test]
fn a_proof_says_what_it_says() {
    let folder = Folder::with_case(CASE);
    let ran = folder
        .quarry(&format!("verify {PROOF} --min-security-bits 0 --json"))
        .exits(0);
    assert_eq!(ran.json()["layout"], "plain");
    assert_eq!(ran.json()["n_steps"], 512);
    assert_eq!(ran.json()["output"], serde_json::json!([]));
    let bits = ran.json()["security_bits"].as_u64().unwrap();
    let people = folder
        .quarry(&format!("verify --in_file={PROOF} --min-security-bits 0"))
        .exits(0)
        .stdout;
    for text in [
        "plain",
        "512",
        &hash(&ran, "program_hash_pedersen"),
        "the proof holds",
    ] {
        assert!(people.contains(text), "{text}: {people}");
    }

    let line = format!("verify {PROOF} --min-security-bits {bits}");
    folder.quarry(&line).exits(0);
    let line = format!("verify {PROOF} --min-security-bits {}", bits + 1);
    folder
        .quarry(&line)
        .exits(3)
        .says(&["security", "--min-security-bits"]);
}

#[test]
fn verify_is_a_gate() {
    let folder = Folder::with_case(CASE);
    let verify = |options: &str| folder.quarry(&format!("verify {PROOF} --min-security-bits 0 {options}"));
    let ran = verify("--json");
    for form in ["program_hash_pedersen", "program_hash_poseidon"] {
        verify(&format!("--expect-program-hash {}", hash(&ran, form))).exits(0);
    }
    verify("--expect-program-hash 0x1")
        .exits(3)
        .says(&["another program", "0x1"]);
    verify("--expect-program-hash hello").exits(2).says(&["hello"]);
    verify("--expect-output=").exits(0);
    verify("--expect-output=1,-2")
        .exits(3)
        .says(&["another output", "1, -2"]);
    let error = verify("--expect-output=1 --json").exits(3).json();
    assert_eq!(error["error"]["kind"], "rejected");
}

#[test]
fn what_was_changed_is_rejected() {
    let folder = Folder::with_case(CASE);
    let original = folder.json(PROOF);
    let verify = |proof: &Value| {
        folder.write("changed.json", proof.to_string());
        folder.quarry("verify changed.json --min-security-bits 0")
    };
    verify(&original).exits(0);

    let hex = original["proof_hex"].as_str().unwrap();
    let with_hex = |hex: &str| {
        let mut proof = original.clone();
        proof["proof_hex"] = hex.into();
        proof
    };
    verify(&with_hex(&format!("{hex}00"))).exits(3);
    verify(&with_hex(&hex[..hex.len() - 2])).exits(3);
    verify(&with_hex("0x")).exits(3);
    verify(&with_hex(&hex[..hex.len() - 1])).exits(2);
    verify(&with_hex("proof")).exits(2);
    let middle = hex.len() / 2;
    let digit = if &hex[middle..=middle] == "0" { "1" } else { "0" };
    verify(&with_hex(&format!(
        "{}{digit}{}",
        &hex[..middle],
        &hex[middle + 1..]
    )))
    .exits(3);

    let mut proof = original.clone();
    proof["public_input"]["memory_segments"]["execution"]["stop_ptr"] = 1.into();
    assert!(matches!(verify(&proof).code, Some(2 | 3)));
    let mut proof = original.clone();
    proof["public_input"]["rc_max"] = 0xffff.into();
    verify(&proof).exits(3);
    let mut proof = original.clone();
    proof["public_input"]["layout"] = "large".into();
    verify(&proof).exits(2).says(&["large"]);
    let mut proof = original.clone();
    proof["proof_parameters"]["stark"]["fri"]["n_queries"] = 1.into();
    verify(&proof).exits(3);
    verify(&Value::Null).exits(2);
}

#[test]
fn inspect_explains_a_proof() {
    let folder = Folder::with_case(CASE);
    let report = folder.quarry(&format!("inspect {PROOF} --json")).exits(0).json();
    let sections = report["sections"].as_array().unwrap();
    let length: u64 = sections
        .iter()
        .map(|section| section["length"].as_u64().unwrap())
        .sum();
    let hex = folder.json(PROOF)["proof_hex"].as_str().unwrap().len() as u64;
    assert_eq!(length, (hex - 2) / 2, "every byte is explained");
    let people = folder.quarry(&format!("inspect {PROOF}")).exits(0).stdout;
    for text in ["Original/Commit on Trace", "Proof of Work"] {
        assert!(people.contains(text), "{people}");
    }
}

#[test]
fn stones_name_has_stones_rules() {
    let folder = Folder::with_case("small/fib_2p9");
    // One query: valid, but far below the security that `verify` requires.
    folder.quarry("verify proof_q1.json").exits(3).says(&["security"]);
    folder.quarry("cpu_air_verifier --in_file=proof_q1.json").exits(0);
    folder
        .quarry("cpu_air_verifier --in_file=proof_q1.json --min_security_bits=80")
        .exits(3);
    // A run that is not a whole run of a Cairo 0 program.
    let folder = Folder::with_case("small/entry_without_ap");
    let line = "--in_file=proof_base.json --min_security_bits=0";
    folder.quarry(&format!("verify {line}")).exits(3);
    folder.quarry(&format!("cpu_air_verifier {line}")).exits(0);
}

#[test]
fn the_form_of_the_public_input_is_part_of_the_proof() {
    let folder = Folder::with_case(CASE);
    let mut proof = folder.json(PROOF);
    proof["proof_parameters"]["stone_version"] = "stone5".into();
    folder.write("changed.json", proof.to_string());
    let verify = |line: &str| folder.quarry(&format!("verify changed.json --min-security-bits 0 {line}"));
    verify("").exits(3);
    verify("--stone-version stone6").exits(0);
    verify("--stone-version stone4")
        .exits(2)
        .says(&["stone5, stone6"]);
}

/// `-` and a FIFO are read as streams, up to the size limit and no further.
#[test]
fn a_proof_may_come_through_a_pipe() {
    let folder = Folder::with_case(CASE);
    let proof = fs::read(folder.file(PROOF)).expect("a proof");
    for line in ["verify - --min-security-bits 0", "inspect -"] {
        let mut command = folder.command(line);
        let mut quarry = command.stdin(Stdio::piped()).spawn().expect("quarry");
        quarry
            .stdin
            .take()
            .expect("a pipe")
            .write_all(&proof)
            .expect("it reads");
        let ran = Ran::from(quarry.wait_with_output().expect("it ends")).exits(0);
        assert!(ran.stdout.contains("plain"), "{ran:?}");
    }
    folder.quarry("verify -").exits(2).says(&["standard input"]);

    let fifo = folder.file("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo")
            .success()
    );
    let through_fifo = |line: &str, block: &[u8], count: usize| {
        let quarry = folder.command(line).spawn().expect("quarry");
        let mut file = fs::OpenOptions::new().write(true).open(&fifo).expect("a reader");
        // Writing fails once the reader has closed the FIFO.
        let all_read = (0..count).all(|_| file.write_all(block).is_ok());
        drop(file);
        (Ran::from(quarry.wait_with_output().expect("it ends")), all_read)
    };
    let (ran, all_read) = through_fifo("verify fifo --min-security-bits 0", &proof, 1);
    ran.exits(0);
    assert!(all_read);
    // Practically endless.
    let (ran, all_read) = through_fifo("inspect fifo --max-bytes 1MiB", &[b' '; 4096], usize::MAX);
    ran.exits(2).says(&["fifo", "1048576", "--max-bytes"]);
    assert!(!all_read);
}

#[test]
fn no_more_is_read_than_allowed() {
    let folder = Folder::with_case(CASE);
    let length = fs::metadata(folder.file(PROOF)).expect("a proof").len();
    let limited = |most: u64| format!("--max-bytes {most}");
    for command in ["verify --min-security-bits 0", "inspect"] {
        let run = |options: &str| folder.quarry(&format!("{command} {options}"));
        run(&format!("{PROOF} {}", limited(length))).exits(0);
        run(&format!("{PROOF} {}", limited(length - 1))).exits(2).says(&[
            PROOF,
            &(length - 1).to_string(),
            "--max-bytes",
        ]);
        run("/dev/zero --max-bytes 64KiB")
            .exits(2)
            .says(&["65536", "--max-bytes"]);
        run(&format!("{PROOF} --max-bytes much")).exits(2).says(&["much"]);
    }
}

/// Like Stone's verifier, ours needs only three members of a proof file and accepts comments in its JSON.
#[test]
fn what_a_verifier_does_not_need_may_be_missing() {
    let folder = Folder::with_case(CASE);
    let mut proof = folder.json(PROOF);
    proof["version"]
        .as_object_mut()
        .expect("an object")
        .remove("commit_hash");
    proof["annotations"] = 7.into();
    folder.write("odd.json", format!("// by hand\n{proof} /* and more */ }}"));
    folder.quarry("verify odd.json --min-security-bits 0").exits(0);
    folder.quarry("inspect odd.json").exits(0);
}
