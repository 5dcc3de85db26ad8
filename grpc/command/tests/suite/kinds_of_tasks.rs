//! Jobs whose tasks are of every kind: PIEs, programs and Scarb executables.

use crate::common::Folder;
use crate::common::appliance::Appliance;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A folder with the tasks of the tests.
fn folder() -> Folder {
    let folder = Folder::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data");
    for name in [
        "fibonacci_pie.zip",
        "squares.json",
        "squares_input.json",
        "squares.executable.json",
    ] {
        folder.write(name, fs::read(data.join(name)).expect("a file"));
    }
    folder
}

/// The options of a small proof.
const SMALL: &str = "--layout small --profile dev --security-bits 30";

#[test]
fn tasks_of_every_kind_make_one_proof() {
    let folder = folder();
    folder.write("arguments.json", r#"["0x3", 4, "5"]"#);
    let list = json!({
        "tasks": [
            {
                "type": "RunProgramTask",
                "path": "squares.json",
                "program_input": { "n": 10 },
                "program_hash_function": "pedersen",
            },
            { "type": "Cairo1Executable", "path": "squares.executable.json", "user_args_file": "arguments.json" },
            { "type": "CairoPiePath", "path": "fibonacci_pie.zip" },
            { "type": "Cairo1Executable", "path": "squares.executable.json", "user_args_list": [6] },
        ],
        "single_page": false,
    });
    folder.write("list.json", list.to_string());
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    folder
        .quarry(&format!(
            "submit --tasks list.json {SMALL} --out proof.json {server}"
        ))
        .exits(0);
    let claim = folder
        .quarry("verify proof.json --run relaxed --min-security-bits 0 --json")
        .exits(0)
        .json();
    let tasks = claim["bootloaded"]["tasks"].as_array().expect("tasks").iter();
    let outputs: Vec<Value> = tasks.map(|task| task["output"].clone()).collect();
    assert_eq!(
        json!(outputs),
        json!([
            ["0x181", "0x64"],
            ["0x32", "0x3"],
            ["0x1", "0x59"],
            ["0x24", "0x1"]
        ])
    );
    // The output of each task is on pages of its own, which this verifier does not take.
    let profile = "--bootloader simple --layout recursive --profile integrity-stone6-keccak160";
    folder
        .quarry(&format!("estimate --tasks list.json {profile} {server}"))
        .exits(2)
        .says(&["does not accept public memory with continuous pages"]);
}

/// A task that a command line names: the job is that of the list with this task.
#[test]
fn one_task_needs_no_list() {
    let folder = folder();
    folder.write("arguments.json", "[3, 4, 5]");
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    for task in [
        "squares.json --bootload --input squares_input.json",
        "--executable squares.executable.json --args 3,4,5",
        "--executable squares.executable.json --args-file arguments.json",
    ] {
        let estimate = folder
            .quarry(&format!("estimate {task} {SMALL} {server}"))
            .exits(0)
            .json();
        // As many steps as the bootloader needs, not those of the program alone.
        assert!(estimate["n_steps"].as_u64() >= Some(4096), "{task}: {estimate}");
    }
    for (task, said) in [
        ("squares.json --bootload", "task 0: the hint at pc"),
        (
            "--executable squares.executable.json",
            "task 0: the program panics with 'no values'",
        ),
    ] {
        folder
            .quarry(&format!("estimate {task} {SMALL} {server}"))
            .exits(2)
            .says(&[said]);
    }
}
