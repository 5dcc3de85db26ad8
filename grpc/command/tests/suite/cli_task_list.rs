//! `prove` and `check` with programs as tasks: `--bootload` and `--tasks`.

use crate::common::Folder;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A folder with the files of the crate of tasks, and parameters for a quick proof.
fn folder() -> Folder {
    let folder = Folder::with_case("small/pie");
    let mut parameters = folder.json("params_base.json");
    parameters["stark"]["log_n_cosets"] = 1.into();
    parameters["stark"]["fri"]["proof_of_work_bits"] = 0.into();
    // The tasks take twice the steps of the case.
    parameters["stark"]["fri"]["last_layer_degree_bound"] = 128.into();
    folder.write("params.json", parameters.to_string());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data");
    fs::create_dir(folder.file("tasks")).expect("a folder");
    for name in [
        "fibonacci_pie.zip",
        "paged_pie.zip",
        "qm31.json",
        "squares.json",
        "squares_input.json",
        "squares_proof_mode.json",
    ] {
        folder.write(
            &format!("tasks/{name}"),
            fs::read(data.join(name)).expect("a file"),
        );
    }
    folder
}

/// The output of the tasks that a proof lists.
fn outputs(claim: &Value) -> Vec<Value> {
    let tasks = claim["bootloaded"]["tasks"].as_array().expect("tasks");
    tasks.iter().map(|task| task["output"].clone()).collect()
}

#[test]
fn tasks_of_a_list_are_proved_together_on_pages() {
    let folder = folder();
    let program = folder.json("tasks/squares.json");
    let by_pedersen = "pedersen";
    let list = json!({
        "tasks": [
            { "type": "CairoPiePath", "path": "fibonacci_pie.zip", "program_hash_function": by_pedersen },
            {
                "type": "RunProgramTask",
                "program": program,
                "program_input": { "n": 10 },
                "program_hash_function": "Pedersen",
            },
            { "type": "RunProgramTask", "program": "squares_proof_mode.json", "program_input": { "n": 3 } },
            { "type": "CairoPiePath", "path": "paged_pie.zip", "program_hash_function": by_pedersen },
        ],
        "single_page": false,
        "fact_topologies_path": "../topologies.json",
    });
    folder.write("tasks/list.json", list.to_string());
    folder
        .quarry("prove --tasks tasks/list.json --layout small --parameter_file params.json --out proof.json")
        .exits(0);
    let topology = |tree: &[u64], sizes: &[u64]| json!({ "tree_structure": tree, "page_sizes": sizes });
    let one_page = topology(&[1, 0], &[2]);
    assert_eq!(
        folder.json("topologies.json"),
        json!({ "fact_topologies": [one_page, one_page, one_page, topology(&[1, 0, 2, 2, 0, 2], &[1, 2, 3])] })
    );
    let verify = "verify proof.json --run relaxed --min-security-bits 0 --json";
    let claim = folder.quarry(verify).exits(0).json();
    assert_eq!(
        json!(outputs(&claim)),
        json!([
            ["0x1", "0x59"],
            ["0x181", "0x64"],
            ["0xe", "0x9"],
            ["0x3e8", "0xb", "0x16", "0x21", "0x2c", "0x37"],
        ])
    );
    assert_eq!(
        claim["bootloaded"]["bootloader"],
        "StarkWare's simple bootloader 0.15.0"
    );
    folder
        .quarry("check --tasks tasks/list.json --layout small --bootloader short")
        .exits(2)
        .says(&["no hint that puts the output on pages"]);
    let tasks = claim["bootloaded"]["tasks"].as_array().expect("tasks");
    let hashes: Vec<_> = tasks
        .iter()
        .filter_map(|task| task["program_hash"].as_str())
        .collect();
    folder
        .quarry(&format!("{verify} --expect-task-program-hash {}", hashes[1]))
        .exits(0);
    let profile = "--layout recursive --profile integrity-stone6-keccak160";
    folder
        .quarry(&format!("prove --tasks tasks/list.json {profile}"))
        .exits(2)
        .says(&["does not accept public memory with continuous pages"]);
}

/// The virtual machine runs instructions that only S-two proves: they are refused before anything is proved.
#[test]
fn instructions_that_stone_lacks_are_named() {
    let folder = folder();
    for (line, place) in [
        ("prove tasks/qm31.json --layout plain --profile stone", "pc 8"),
        ("prove tasks/qm31.json --explain", "pc 8"),
        (
            "check tasks/qm31.json --bootload --layout small",
            "pc 8 of task 0",
        ),
        ("dynamic-params tasks/qm31.json --bootload", "pc 8 of task 0"),
    ] {
        let said = format!("executes a QM31 instruction at {place}. No layout of Stone has");
        folder.quarry(line).exits(2).says(&["error: ", &said, "S-two"]);
    }
    let list = r#"{"tasks": [{"type": "CairoPiePath", "path": "fibonacci_pie.zip"},
                             {"type": "RunProgramTask", "path": "qm31.json"},
                             {"type": "CairoPiePath", "path": "fibonacci_pie.zip"}]}"#;
    folder.write("tasks/list.json", list);
    folder
        .quarry("check --tasks tasks/list.json --layout small")
        .exits(2)
        .says(&["at pc 8 of task 1."]);
}

#[test]
fn a_program_is_checked_as_the_only_task() {
    let folder = folder();
    for program in ["squares.json", "squares_proof_mode.json"] {
        folder
            .quarry(&format!(
                "check tasks/{program} --bootload --input tasks/squares_input.json --layout small \
                 --fact-topologies topologies.json"
            ))
            .exits(0)
            .says(&["constraints hold"]);
        let topologies = fs::read_to_string(folder.file("topologies.json")).expect("a file");
        assert_eq!(
            topologies,
            r#"{"fact_topologies":[{"tree_structure":[1,0],"page_sizes":[2]}]}"#
        );
    }
    for (line, said) in [
        (
            "tasks/squares.json --bootload --layout small",
            "'tasks/squares.json': ",
        ),
        ("--bootload", "PROGRAM"),
        ("--pie tasks/fibonacci_pie.zip --bootload", "--bootload"),
        ("tasks/squares.json --bootloader tasks/squares.json", "--bootload"),
        ("tasks/squares.json --continuous-pages", "--bootload"),
        ("tasks/squares.json --tasks tasks/squares.json", "--tasks"),
        (
            "--tasks tasks/squares.json --input tasks/squares_input.json",
            "--input",
        ),
    ] {
        folder.quarry(&format!("check {line}")).exits(2).says(&[said]);
    }
}

#[test]
fn a_wrong_task_is_named() {
    let folder = folder();
    let good = json!({ "type": "CairoPiePath", "path": "fibonacci_pie.zip" });
    for (task, said) in [
        (json!({ "type": "CairoPiePath", "path": "none.zip" }), "none.zip"),
        (json!({ "type": "CairoPiePath" }), "CairoPiePath needs 'path'"),
        (
            json!({ "type": "CairoPiePath", "path": "squares.json" }),
            "squares.json': this is a compiled Cairo 0 program, not a Cairo PIE",
        ),
        (
            json!({ "type": "CairoPiePath", "path": "fibonacci_pie.zip", "program_input": {} }),
            "CairoPiePath has no 'program_input'",
        ),
        (
            json!({ "type": "RunProgramTask" }),
            "RunProgramTask needs 'program' or 'path'",
        ),
        (
            json!({ "type": "RunProgramTask", "program": {}, "path": "squares.json" }),
            "it has both 'program' and 'path'",
        ),
        (
            json!({ "type": "RunProgramTask", "path": "squares.json" }),
            "squares.json': the hint at pc",
        ),
        (
            json!({ "type": "RunProgramTask", "program": {} }),
            "not a compiled Cairo program",
        ),
        (
            json!({ "type": "RunProgramTask", "path": "squares.json", "program_hash_function": "blake" }),
            "program_hash_function is 'blake'; expected one of pedersen, poseidon",
        ),
        (
            json!({ "type": "Cairo1Executable", "path": "executable.json", "user_args_list": [1] }),
            "executable.json': No such file",
        ),
        (json!({ "type": "Task" }), "unknown variant `Task`"),
        (
            json!({ "type": "CairoPiePath", "use_poseidon": true }),
            "unknown field `use_poseidon`",
        ),
    ] {
        folder.write("tasks/list.json", json!({ "tasks": [good, task] }).to_string());
        folder
            .quarry("check --tasks tasks/list.json --layout small")
            .exits(2)
            .says(&["'tasks/list.json': task 1: ", said]);
    }
    for (list, said) in [
        (json!({ "tasks": [good], "pages": 1 }), "unknown field `pages`"),
        (json!({ "tasks": [] }), "it has no tasks"),
    ] {
        folder.write("tasks/list.json", list.to_string());
        folder
            .quarry("check --tasks tasks/list.json")
            .exits(2)
            .says(&["'tasks/list.json': ", said]);
    }
}
