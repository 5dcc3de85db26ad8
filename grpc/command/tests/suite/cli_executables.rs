//! `prove`, `check` and `inspect` with Scarb executables.

use crate::common::Folder;
use std::fs;
use std::path::Path;

/// The program hashes of the executable as a bootloader writes them: Pedersen and Poseidon.
const HASHES: [&str; 2] = [
    "0x36a6446e2ff7b7c4bb8df5e7fb9326ed074e0a8676ad9b276a10dadee479f30",
    "0x1369dd3604f7e55ca8203bf9499a9becbd217fc4176980c8e1870da4ef04565",
];

/// A folder with executables and parameters for a small proof.
fn folder() -> Folder {
    let folder = Folder::with_case("small/pie");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data");
    for name in ["squares.executable.json", "sum_of_squares.executable.json"] {
        folder.write(name, fs::read(data.join(name)).expect("an executable"));
    }
    let mut parameters = folder.json("params_base.json");
    parameters["stark"]["log_n_cosets"] = 1.into();
    parameters["stark"]["fri"]["proof_of_work_bits"] = 0.into();
    parameters["stark"]["fri"]["last_layer_degree_bound"] = 128.into();
    folder.write("params.json", parameters.to_string());
    folder
}

const PROVE: &str =
    "prove --executable squares.executable.json --layout small --parameter_file params.json --out proof.json";

#[test]
fn an_executable_is_proved_under_the_bootloader() {
    let folder = folder();
    folder.write("arguments.json", r#"["0x3", "0x4", "0x5"]"#);
    folder
        .quarry(&format!("{PROVE} --args-file arguments.json"))
        .exits(0);
    let hash = HASHES[0];
    let claim = folder
        .quarry(&format!(
            "verify proof.json --run relaxed --min-security-bits 0 --expect-task-program-hash {hash} \
             --expect-output 1,4,{hash},50,3 --json"
        ))
        .exits(0)
        .json();
    assert_eq!(claim["bootloaded"]["tasks"][0]["program_hash"], hash);
}

/// Its standalone entry is that of a Cairo 0 program in proof mode, so verifiers see a whole run and its builtins.
#[test]
fn an_executable_alone_is_proved_as_a_whole_run() {
    let folder = folder();
    folder
        .quarry("check --executable squares.executable.json --alone --args 3,4,0x5 --layout small")
        .exits(0)
        .says(&["constraints hold"]);
    folder.quarry(&format!("{PROVE} --alone --args 3,4,0x5")).exits(0);
    folder
        .quarry(
            "verify proof.json --run whole --min-security-bits 0 --expect-builtins output,range_check \
             --expect-output 50,3",
        )
        .exits(0);
}

/// An executable of Cairo's compiler: the argument 3 is the length of the array.
#[test]
fn a_compiled_executable_is_proved_both_ways() {
    let folder = folder();
    let prove = PROVE.replace("squares.", "sum_of_squares.");
    for (how, expected) in [
        ("", "--run relaxed"),
        (
            "--alone",
            "--run whole --expect-builtins output,range_check --expect-output 50,3",
        ),
    ] {
        folder.quarry(&format!("{prove} --args 3,3,4,5 {how}")).exits(0);
        let verified = folder.quarry(&format!("verify proof.json --min-security-bits 0 {expected}"));
        let shown = verified.exits(0).stdout;
        assert!(shown.contains("50, 3"), "{shown}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder();
    folder.write("bad.json", r#"["0x3", null]"#);
    let file = folder.json("squares.executable.json");
    for (name, pointer, value) in [
        ("twice.json", "/entrypoints/0/kind", "Bootloader"),
        ("entry.json", "/program/bytecode/1", "0x3"),
    ] {
        let mut changed = file.clone();
        *changed.pointer_mut(pointer).expect("a value") = value.into();
        folder.write(name, changed.to_string());
    }
    for (name, other) in [("bootloaded.json", 0), ("standalone.json", 1)] {
        let mut changed = file.clone();
        changed["entrypoints"]
            .as_array_mut()
            .expect("an array")
            .remove(other);
        folder.write(name, changed.to_string());
    }
    let mut starknet = file;
    starknet["program"]["hints"][0][1][0] =
        serde_json::json!({ "SystemCall": { "system": { "Immediate": "0x1" } } });
    folder.write("starknet.json", starknet.to_string());
    for (arguments, words) in [
        ("squares.executable.json", "the program panics with 'no values'"),
        (
            "squares.executable.json --alone",
            "the program panics with 'no values'",
        ),
        (
            "squares.executable.json --args 0x10000000000000000",
            "'a value is too large'",
        ),
        ("squares.executable.json --args 3,x", "'x' is not a field element"),
        (
            "squares.executable.json --args-file bad.json",
            "'bad.json': the arguments: [1]: null",
        ),
        (
            "squares.executable.json --args 3 --step-limit 10",
            "did not end within 10 steps",
        ),
        ("squares.executable.json --args 3 --alone --layout plain", "plain"),
        (
            "bootloaded.json --args 3 --alone",
            "no entry point of kind Standalone",
        ),
        ("standalone.json --args 3", "no entry point of kind Bootloader"),
        ("twice.json --args 3", "kind Bootloader: it is there twice"),
        ("entry.json --args 3 --alone", "word 1 of the program must be 0x2"),
        (
            "starknet.json --args 3",
            "SystemCall, which only Starknet's contracts have",
        ),
        ("pie.zip", "'pie.zip'"),
        (
            "params.json",
            "this is Stone's parameter file, not a Scarb executable",
        ),
        (
            "squares.executable.json --args 3 --pie pie.zip",
            "cannot be used with",
        ),
        (
            "squares.executable.json --args 3 --alone --program-hash-function pedersen",
            "cannot be used with",
        ),
    ] {
        folder
            .quarry(&format!("check --executable {arguments}"))
            .exits(2)
            .says(&[words]);
    }
}

#[test]
fn an_executable_is_explained() {
    let folder = folder();
    let json = folder
        .quarry("inspect squares.executable.json --json")
        .exits(0)
        .json();
    assert_eq!(json["program_hash"]["pedersen"], HASHES[0]);
    assert_eq!(json["program_hash"]["poseidon"], HASHES[1]);
    assert_eq!(json["entry_points"][1]["offset"], 6);
    let table = folder.quarry("inspect squares.executable.json").exits(0).stdout;
    for words in [
        "a Scarb executable",
        "Bootloader, at word 6; builtins: output, range_check",
        HASHES[0],
    ] {
        assert!(table.contains(words), "'{words}' is not in: {table}");
    }
}
