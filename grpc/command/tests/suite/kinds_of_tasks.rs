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
        "paged_pie.zip",
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

/// The proof is the one that the command makes of the same executable.
#[test]
fn an_executable_is_proved_by_itself() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let alone = "--executable squares.executable.json --alone --args";
    let estimate = folder.quarry(&format!("estimate {alone} 3,4,5 {SMALL} {server}"));
    assert!(estimate.exits(0).json()["n_steps"].as_u64() > Some(0));
    folder
        .quarry(&format!(
            "submit {alone} 3,4,5 {SMALL} --out service.json {server}"
        ))
        .exits(0);
    folder
        .quarry(&format!(
            "prove {alone} 3,4,5 {SMALL} --device cpu --out command.json"
        ))
        .exits(0);
    let [service, command] =
        ["service.json", "command.json"].map(|name| folder.json(name)["proof_hex"].clone());
    assert!(service.is_string() && service == command);

    for (arguments, options, code) in [
        ("", "", "input.executable.panic"),
        ("3", "--step-limit 10", "limits.max_steps"),
        ("3", "--layout plain --profile dev", "input.layout"),
        ("3", "--expect-builtins output", "input.builtins"),
    ] {
        let arguments = match arguments {
            "" => String::new(),
            felts => format!("--args {felts}"),
        };
        let line = "submit --executable squares.executable.json --alone";
        let failed = folder
            .quarry(&format!("{line} {arguments} {options} --wait --json {server}"))
            .exits(2)
            .json();
        assert_eq!(failed["error"]["details"]["failure"]["code"], code, "{failed}");
    }
}

#[test]
fn a_job_on_pages_keeps_its_fact_topologies() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let tasks = "--pie paged_pie.zip --pie fibonacci_pie.zip --continuous-pages";
    let submitted = folder.quarry(&format!(
        "submit {tasks} {SMALL} --fact-topologies waited.json --json {server}"
    ));
    let id = submitted.exits(0).json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    folder
        .quarry(&format!("get {id} --fact-topologies got.json {server}"))
        .exits(0);
    folder
        .quarry(&format!(
            "check {tasks} --layout small --fact-topologies own.json"
        ))
        .exits(0);
    let [waited, got, own] =
        ["waited.json", "got.json", "own.json"].map(|name| fs::read(folder.file(name)).unwrap());
    assert!(!own.is_empty() && waited == own && got == own);

    let line = format!("submit --pie fibonacci_pie.zip {SMALL} --wait --json {server}");
    let id = folder.quarry(&line).exits(0).json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    folder
        .quarry(&format!("get {id} --fact-topologies none.json {server}"))
        .exits(2)
        .says(&["the job has no fact topologies"]);
    let help = folder.quarry("estimate --help").exits(0).stdout;
    assert!(!help.contains("--fact-topologies"), "{help}");
}
