//! `calldata`: the files that it writes, and what it refuses.

use crate::common::Folder;
use serde_json::Value;
use std::fs;

/// A case with a proof for Integrity, made by Stone.
const CASE: &str = "small/c1";
const COMMAND: &str = "calldata proof_integrity_kek.json --min-security-bits 0 --out";
/// The files of the split form, in the order in which they are sent.
const SPLIT: [&str; 4] = ["initial.txt", "step1.txt", "step2.txt", "final.txt"];

fn names(folder: &Folder, sub: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.file(sub)).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn felts(folder: &Folder, file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.file(file)).expect("a file");
    text.split_whitespace().map(str::to_owned).collect()
}

/// Checks that the file of a transaction has the felts that the index says.
fn check_file(folder: &Folder, transaction: &Value) {
    let file = format!("out/{}", transaction["file"].as_str().expect("a name"));
    let felts = felts(folder, &file);
    assert_eq!(transaction["calldata"], serde_json::json!(felts), "{file}");
    assert_eq!(transaction["felts"], felts.len() + 4, "{file}");
}

#[test]
fn calldata_is_written_as_text_and_json() {
    let folder = Folder::with_case(CASE);
    let ran = folder.quarry(&format!("{COMMAND} out --job-id 0x7")).exits(0);
    let mut expected = vec!["calldata.json", "full.txt"];
    expected.extend(SPLIT);
    expected.sort_unstable();
    assert_eq!(names(&folder, "out"), expected);

    let index = folder.json("out/calldata.json");
    check_file(&folder, &index["full"]);
    let transactions = index["split"]["transactions"].as_array().expect("transactions");
    transactions
        .iter()
        .for_each(|transaction| check_file(&folder, transaction));
    let files = transactions
        .iter()
        .map(|transaction| transaction["file"].as_str());
    assert!(files.eq(SPLIT.map(Some)));
    for file in SPLIT {
        assert_eq!(felts(&folder, &format!("out/{file}"))[0], "0x7");
    }

    // The facts are those of `facts`.
    let facts = folder
        .quarry("facts proof_integrity_kek.json --min-security-bits 0 --json")
        .exits(0)
        .json();
    let verification = &facts["integrity_verification"];
    assert_eq!(index["facts"], facts);
    for text in [
        "FactRegistry 0x4ce7851f00b6c3289674841fd7a1b96b6fd41ed1edc248faccd672c26371b8c on sepolia",
        "small, keccak_160_lsb, stone6, strict",
        verification["verification_hash"].as_str().expect("a hash"),
        "Or send these 4 transactions (at most 1603 felts each) if it takes more gas than one may. Wait until each",
        "--function verify_proof_full_and_register_fact --calldata $(cat -- out/full.txt)",
        "--function verify_proof_step --calldata $(cat -- out/step2.txt)",
        "--function verify_proof_final_and_register_fact --calldata $(cat -- out/final.txt)",
        "--function get_verification",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
}

/// Mode strict reads the pointers in order; mode relaxed skips them.
#[test]
fn a_run_that_mode_strict_cannot_read_is_relaxed() {
    let folder = Folder::with_case(CASE);
    let mut public = folder.json("public_input.json");
    public["public_memory"]
        .as_array_mut()
        .expect("cells")
        .swap(85, 86);
    folder.write("swapped.json", public.to_string());
    // The least proof of work that Integrity accepts.
    let mut parameters = folder.json("params_integrity_kek.json");
    parameters["stark"]["fri"]["proof_of_work_bits"] = 20.into();
    folder.write("params.json", parameters.to_string());
    let inputs = "--public_input_file swapped.json --private_input_file private_input.json";
    folder
        .quarry(&format!(
            "prove {inputs} --parameter_file params.json --out proof.json"
        ))
        .exits(0);
    let line = "calldata proof.json --min-security-bits 0 --json --out";
    let printed = folder.quarry(&format!("{line} out")).exits(0).json();
    assert_eq!(printed["facts"]["mode"], "relaxed");
    folder
        .quarry(&format!("{line} strict --run strict"))
        .exits(3)
        .says(&["it accepts it as relaxed"]);
}

#[test]
fn json_names_the_files_and_leaves_out_the_felts() {
    let folder = Folder::with_case(CASE);
    let printed = folder
        .quarry(&format!("{COMMAND} out --network mainnet --run relaxed --json"))
        .exits(0)
        .json();
    assert_eq!(printed["network"], "mainnet");
    assert_eq!(
        printed["contract_address"],
        "0xcc63a1e8e7824642b89fa6baf996b8ed21fa4707be90ef7605570ca8e4f00b"
    );
    assert_eq!(
        printed["facts"]["integrity_verification"]["configuration"]["memory_verification"],
        "relaxed"
    );
    let full = &printed["full"];
    assert_eq!((&full["file"], full.get("calldata")), (&"full.txt".into(), None));
    let mut index = folder.json("out/calldata.json");
    let split = index["split"]["transactions"]
        .as_array_mut()
        .expect("transactions");
    for transaction in split.iter_mut() {
        transaction.as_object_mut().expect("an object").remove("calldata");
    }
    index["full"]
        .as_object_mut()
        .expect("an object")
        .remove("calldata");
    assert_eq!(index, printed);
}

/// Whoever can guess the id of a job can use it up.
#[test]
fn a_job_id_is_random() {
    let folder = Folder::with_case(CASE);
    let id = |out: &str| {
        let printed = folder.quarry(&format!("{COMMAND} {out} --json")).exits(0).json();
        printed["split"]["job_id"].as_str().expect("an id").to_owned()
    };
    let (a, b) = (id("a"), id("b"));
    assert_ne!(a, b);
    // 31 random bytes; 15 of them are 0 once in 2^120 times.
    assert!(a.len() > 34, "{a}");
    let file = |name: &str| fs::read(folder.file(name)).expect("a file");
    assert_eq!(file("a/full.txt"), file("b/full.txt"));
}

#[test]
fn transactions_are_within_the_limit() {
    let folder = Folder::with_case(CASE);
    let index = |out: &str, max: &str| {
        let ran = folder.quarry(&format!("{COMMAND} {out} --split {max}")).exits(0);
        let index = folder.json(&format!("{out}/calldata.json"));
        let is_alone = ran.stdout.contains("Send one transaction");
        assert_eq!(
            (is_alone, ran.stdout.contains("cannot hold the proof")),
            (!index["full"].is_null(), index["full"].is_null())
        );
        index
    };
    let felts = index("all", "5000")["full"]["felts"].as_u64().expect("a number");
    assert_eq!(index("just", &felts.to_string())["full"]["felts"], felts);
    let split = index("split", &(felts - 1).to_string());
    assert_eq!(split["full"], Value::Null);
    assert!(!names(&folder, "split").contains(&"full.txt".to_owned()));
    let longest = split["split"]["transactions"][0]["felts"]
        .as_u64()
        .expect("a number");
    index("least", &longest.to_string());
    folder
        .quarry(&format!("{COMMAND} none --split {}", longest - 1))
        .exits(2)
        .says(&["--split", "initial", &longest.to_string(), "less public memory"]);
    folder
        .quarry(&format!("{COMMAND} none --split 189"))
        .exits(2)
        .says(&["--split 189", "public memory takes 190 felts"]);
    assert!(!folder.file("none").exists());
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::with_case(CASE);
    folder.write("file", "kept");
    fs::create_dir(folder.file("empty")).unwrap();
    folder.quarry(&format!("{COMMAND} out")).exits(0);
    let before = fs::read(folder.file("out/initial.txt")).unwrap();
    for out in ["out", "file", "empty", "."] {
        folder
            .quarry(&format!("{COMMAND} {out}"))
            .exits(2)
            .says(&["exists already; choose a new folder", out]);
    }
    assert_eq!(fs::read(folder.file("out/initial.txt")).unwrap(), before);
    assert_eq!(fs::read(folder.file("file")).unwrap(), b"kept");
    folder
        .quarry(&format!("{COMMAND} no/such/out"))
        .exits(2)
        .says(&["cannot make folder", "no/such/out"]);
    assert!(folder.names().iter().all(|name| !name.contains(".part")));
}

#[test]
fn proofs_without_calldata_are_refused() {
    let folder = Folder::with_case(CASE);
    let refused = |line: &str, code: i32, says: &[&str]| {
        folder
            .quarry(&format!("calldata {line} --out out"))
            .exits(code)
            .says(says);
        assert!(!folder.file("out").exists(), "{line}");
    };
    refused(
        "proof_integrity_kek.json",
        3,
        &["security", "--min-security-bits"],
    );
    let weak = "proof_integrity_kek.json --min-security-bits 0";
    refused(&format!("{weak} --run cairo1"), 3, &["strict, relaxed"]);
    refused(&format!("{weak} --run whole"), 2, &["strict, relaxed, cairo1"]);
    refused(&format!("{weak} --network moon"), 2, &["sepolia, mainnet"]);
    refused(&format!("{weak} --job-id hello"), 2, &["hello", "decimal or 0x"]);
    refused("public_input.json", 2, &["public_input.json"]);
    refused("no.json", 2, &["no.json"]);
    let mut proof = folder.json("proof_integrity_kek.json");
    proof["public_input"]["rc_max"] = 65535.into();
    folder.write("changed.json", proof.to_string());
    refused("changed.json --min-security-bits 0", 3, &["invalid proof"]);

    for (case, proof, says) in [
        ("plain/fib_2p9", "proof_felt_vf_pos.json", "layout 'plain'"),
        ("small/pie", "proof_base.json", "commitment_hash"),
    ] {
        let folder = Folder::with_case(case);
        folder
            .quarry(&format!("calldata {proof} --min-security-bits 0 --out out"))
            .exits(3)
            .says(&["Integrity", says]);
        assert!(!folder.file("out").exists(), "{case}");
    }
}
