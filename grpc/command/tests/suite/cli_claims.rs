//! What `verify`, `inspect` and `facts` report about a proof: form of the run, builtins, tasks, facts.

use crate::common::Folder;
use serde_json::json;
use std::fs;
use std::path::Path;

/// A program of prover-core's tests.
fn program(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover-core/tests/data/programs");
    fs::read(folder.join(name)).expect("a program of the repository")
}

/// One bytecode with two lists of builtins. With the honest list the program fails its range check; with the swapped
/// list it makes no range check.
#[test]
fn a_program_hash_alone_is_refused() {
    let folder = Folder::new();
    for name in ["honest.json", "swapped.json"] {
        folder.write(name, program(name));
    }
    folder
        .quarry("prove honest.json --layout small --profile stone")
        .exits(2);
    folder
        .quarry("prove swapped.json --layout small --profile stone --security-bits 40")
        .exits(0);
    let said = folder
        .quarry("verify proof.json --min-security-bits 40 --json")
        .exits(0)
        .json();
    assert_eq!(said["builtins_binding"], "unbound");
    let hash = said["program_hash_pedersen"].as_str().expect("a hash");
    let output = said["output"].as_array().expect("an output");
    let output: Vec<_> = output.iter().map(|value| value.as_str().expect("hex")).collect();
    let expected = format!(
        "--expect-program-hash {hash} --expect-output {}",
        output.join(",")
    );
    let gate = |options: &str| folder.quarry(&format!("verify proof.json --min-security-bits 40 {options}"));
    gate(&expected)
        .exits(3)
        .says(&["which builtins main had", "--expect-builtins", "--expect-program"]);
    gate(&format!("{expected} --expect-builtins output,range_check"))
        .exits(3)
        .says(&["'range_check'"]);
    gate("--expect-program honest.json")
        .exits(3)
        .says(&["'range_check'"]);
    gate(&format!("{expected} --expect-builtins output,pedersen")).exits(0);
    let bound = gate("--expect-program swapped.json --json").exits(0).json();
    assert_eq!(bound["builtins_binding"], "list");
    // `facts --program` is a gate as well.
    let facts = |program: &str| {
        folder.quarry(&format!(
            "facts proof.json --min-security-bits 40 --program {program} --json"
        ))
    };
    facts("honest.json").exits(3).says(&["'range_check'"]);
    let fact = facts("swapped.json").exits(0).json();
    assert!(fact["sharp_fact"].is_string(), "{fact}");
    folder.quarry("facts proof.json").exits(3).says(&["security"]);
    gate("--run strict").exits(3).says(&["strict", "--run whole"]);
    gate("--expect-layout recursive").exits(3).says(&["layout small"]);
    gate("--expect-builtins output,rangecheck")
        .exits(2)
        .says(&["rangecheck", "range_check"]);
}

#[test]
fn every_form_of_run_is_taken_and_named() {
    // The first two are in layout plain, which Integrity does not support.
    for (case, form, mode, by_integrity) in [
        ("entry_without_ap", "cairo1", "cairo1", json!([])),
        ("missing_builtin", "cairo0", "relaxed", json!([])),
        ("pie", "bootloaded", "relaxed", json!(["relaxed"])),
    ] {
        let folder = Folder::with_case(&format!("small/{case}"));
        let verify =
            |options: &str| folder.quarry(&format!("verify proof_base.json --min-security-bits 0 {options}"));
        verify("").exits(3).says(&[&format!("--run {mode}")]);
        let said = verify(&format!("--run {mode} --json")).exits(0).json();
        assert_eq!((&said["run"], &said["run_modes"]), (&json!(form), &by_integrity));
        verify("--run any").exits(0);
        folder
            .quarry("cpu_air_verifier --in_file=proof_base.json")
            .exits(0);
        let inspected = folder.quarry("inspect proof_base.json --json").exits(0).json();
        assert_eq!(
            (&inspected["run"], &inspected["stopped"]),
            (&json!(form), &json!(null))
        );
        let inputs = "--public_input_file=public_input.json --private_input_file=private_input.json";
        folder.quarry(&format!("check {inputs}")).exits(0);
        if case != "pie" {
            let files = "--prover_config_file=prover_config.json --parameter_file=params_base.json";
            let line = format!("cpu_air_prover {inputs} {files} --out_file=ours.json");
            folder.quarry(&line).exits(0);
            let hex = |name: &str| folder.json(name)["proof_hex"].clone();
            assert_eq!(hex("ours.json"), hex("proof_base.json"), "Stone's bytes");
        }
    }
}

#[test]
fn a_bootloaders_tasks_are_listed_and_gated() {
    let folder = Folder::with_case("small/pie");
    let hash = "0x931813b5c14b9b8b8d9f44bc542445105de0c7e1c7a5a83b7e40ca0b096975";
    let verify = |options: &str| {
        folder.quarry(&format!(
            "verify proof_base.json --min-security-bits 0 --run relaxed {options}"
        ))
    };
    let said = verify("").exits(0).stdout;
    for text in [
        "simple bootloader",
        hash,
        "1, 89",
        "(poseidon)",
        "bound: no other list",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    verify(&format!(
        "--expect-task-program-hash {hash} --expect-task-output 1,89"
    ))
    .exits(0);
    verify("--expect-task-program-hash 0x7").exits(3).says(&[hash]);
    verify(&format!("--expect-bootloader-hash {hash}"))
        .exits(3)
        .says(&["another program"]);
    let json = verify("--json").exits(0).json();
    let bootloader = json["program_hash_poseidon"].as_str().expect("a hash");
    verify(&format!("--expect-bootloader-hash {bootloader}")).exits(0);
}

#[test]
fn facts_of_a_proof() {
    let folder = Folder::with_case("small/pie");
    let facts = folder
        .quarry("facts proof_base.json --min-security-bits 0 --json")
        .exits(0)
        .json();
    assert_eq!(facts["mode"], "relaxed");
    // Integrity's program hash of the bootloader, computed independently from the words of its file.
    let bootloader = "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2";
    assert_eq!(facts["program_hash_poseidon"], bootloader);
    assert!(facts["sharp_fact"].is_null() && facts["tasks"][0]["sharp_fact"].is_string());
    let people = folder
        .quarry("facts proof_base.json --min-security-bits 0")
        .exits(0)
        .stdout;
    for text in ["Integrity fact", "output hash", "SHARP fact", "program file"] {
        assert!(people.contains(text), "{text}: {people}");
    }
    folder
        .quarry("facts proof_base.json --min-security-bits 0 --run strict")
        .exits(3)
        .says(&["relaxed"]);
    let mut proof = folder.json("proof_base.json");
    proof["proof_hex"] = "0x12".into();
    folder.write("broken.json", proof.to_string());
    folder.quarry("facts broken.json --min-security-bits 0").exits(3);
}
