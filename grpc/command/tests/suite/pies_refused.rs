//! Jobs of tasks that a service does not take.

use crate::common::Folder;
use crate::common::appliance::{Appliance, examples, submit, upload, wait};
use crate::common::pie::fibonacci;
use crate::pies::executable;
use quarry_client::Client;
use quarry_client::protocol::job_spec::Input;
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{ExecutableTask, JobSpec, JobState, ProgramTask, TaskInput, TasksInput};
use serde_json::{Value, json};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn what_no_service_can_do_is_refused() {
    let folder = Folder::new();
    folder.write("pie.zip", fibonacci());
    let program = fs::read(examples().join("collatz/program.json")).expect("an example");
    folder.write("program.json", program);
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let long = "x".repeat(300);
    folder.write("squares.json", executable().to_string());
    let list = |name: &str, rest: Value| folder.write(name, rest.to_string());
    let task = json!({ "type": "CairoPiePath", "path": "pie.zip" });
    list(
        "topologies.json",
        json!({ "tasks": [task], "fact_topologies_path": "made.json" }),
    );
    let wrong = json!({ "type": "CairoPiePath", "path": "program.json" });
    list("wrong.json", json!({ "tasks": [task, wrong] }));
    for (line, said) in [
        ("--executable squares.json --alone --wrap", "cannot be used with"),
        (
            "--pie pie.zip --fact-topologies made.json",
            "--fact-topologies: a service keeps those of tasks on pages only",
        ),
        (
            "--tasks topologies.json",
            "--tasks: fact_topologies_path: a service keeps those of tasks on pages only; add \"single_page\": false",
        ),
        (
            "--tasks wrong.json",
            "'wrong.json': task 1: 'program.json': this is a compiled Cairo 0 program, not a Cairo PIE",
        ),
        (
            "--executable pie.zip",
            "'pie.zip': this is a Cairo PIE, not a Scarb executable",
        ),
        (
            "squares.json --bootload",
            "'squares.json': this is a Scarb executable",
        ),
        ("program.json --continuous-pages", "--bootload"),
        ("--tasks wrong.json --input program.json", "--input"),
        ("program.json --pie pie.zip", "--pie"),
        ("program.json --bootloader program.json", "--bootloader"),
        ("--pie pie.zip --input program.json", "--input"),
        ("--pie pie.zip --calldata-split 7", "--calldata"),
        (
            "--pie program.json",
            "'program.json': this is a compiled Cairo 0 program",
        ),
        (
            "--pie pie.zip --program-hash-function blake",
            "expected one of auto, pedersen, poseidon",
        ),
        (
            "--pie pie.zip --calldata --profile stone",
            "calldata: Integrity has no setting for commitment_hash",
        ),
        (
            "--pie pie.zip --calldata --layout perpetual",
            "calldata: Integrity has no verifier for layout 'perpetual'",
        ),
    ] {
        let ran = folder.quarry(&format!("submit {line} {server}")).exits(2);
        ran.says(&[said]);
    }
    // Known once the run has been made: a transaction of ten felts holds no program.
    for (line, code) in [
        ("--calldata --calldata-split 10 --layout small", "spec.calldata"),
        ("--expect-bootloader-hash 0x1", "input.bootloader.hash"),
        ("--step-limit 100 --layout small", "limits.max_steps"),
        // No layout is to blame for it.
        ("--step-limit 100", "limits.max_steps"),
        ("--program-hash-function poseidon --layout small", "input.layout"),
        ("--expect-program-hash 0x1 --layout small", "input.program_hash"),
    ] {
        let line = format!("submit --pie pie.zip {line} --wait --json {server}");
        let failed = folder.quarry(&line).exits(2).json();
        assert_eq!(failed["error"]["details"]["failure"]["code"], code, "{failed}");
    }

    let mut client = service.client().await;
    let refused = async |client: &mut Client, tasks: TasksInput| {
        let spec = JobSpec {
            input: Some(Input::Tasks(tasks)),
            ..JobSpec::default()
        };
        client.submit(spec).await.expect_err("a refusal").to_string()
    };
    let pie = TaskInput {
        task: Some(Task::Pie(upload(&mut client, &folder.file("pie.zip")).await)),
        ..TaskInput::default()
    };
    let of_pie = |n: usize| TasksInput {
        tasks: vec![pie.clone(); n],
        ..TasksInput::default()
    };
    let of_kind = |kind| TasksInput {
        tasks: vec![TaskInput {
            task: Some(kind),
            ..TaskInput::default()
        }],
        ..TasksInput::default()
    };
    for (tasks, said) in [
        (of_pie(0), "0 were given; a job has 1 to 64"),
        (of_pie(65), "65 were given"),
        (
            TasksInput {
                tasks: vec![pie.clone(), TaskInput::default()],
                ..TasksInput::default()
            },
            "task 1 is of no kind that this service knows",
        ),
        (
            of_kind(Task::Program(ProgramTask::default())),
            "task 0 has no file: program is required",
        ),
        (
            of_kind(Task::Executable(ExecutableTask::default())),
            "task 0 has no file: executable is required",
        ),
        (
            TasksInput {
                tasks: vec![TaskInput {
                    program_hash_function: "auto".to_owned(),
                    ..pie.clone()
                }],
                ..TasksInput::default()
            },
            "task 0 has a wrong program_hash_function: 'auto' is none of pedersen, poseidon",
        ),
        (
            TasksInput {
                program_hash_function: long.clone(),
                ..of_pie(1)
            },
            "at most 256",
        ),
        (
            TasksInput {
                expected_bootloader_hash: "7".to_owned(),
                ..of_pie(1)
            },
            "is not a field element",
        ),
    ] {
        let why = refused(&mut client, tasks).await;
        assert!(why.contains(said), "{said}: {why}");
    }
    // (The command sees this one before it submits it.)
    let spec = JobSpec {
        input: Some(Input::Tasks(TasksInput {
            bootloader: Some(upload(&mut client, &folder.file("pie.zip")).await),
            ..of_pie(1)
        })),
        ..JobSpec::default()
    };
    let id = submit(&mut client, spec).await.id;
    let job = wait(&mut client, &id).await;
    assert_eq!(job.state(), JobState::Rejected);
    assert_eq!(job.failure.unwrap_or_default().code, "input.bootloader.program");
}
