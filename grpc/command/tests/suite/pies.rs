//! Jobs whose input is a Cairo PIE.

use crate::common::Folder;
use crate::common::appliance::{Appliance, examples, submit, upload, wait};
use crate::common::pie::{self, Cell, Parts, SECRET, Word, false_hash, far, fibonacci, secretive};
use quarry_client::Client;
use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{FailureClass, JobSpec, JobState, Limits, NamedProfile, TaskInput, TasksInput};
use serde_json::{Value, json};
use std::fs;

/// More than the calldata of any call here has: the bootloader alone has more than a transaction of Starknet takes.
const SPLIT: &str = "100000";

/// The job of a PIE and a PIE with a private input, with all that a result can have.
#[test]
fn pies_become_a_proof_with_facts_and_calldata() {
    let folder = Folder::new();
    folder.write("pie.zip", fibonacci());
    folder.write("secret.zip", secretive(7).zip());
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let id = folder
        .quarry(&format!(
            "submit --pie pie.zip --pie secret.zip --layout small --security-bits 30 --program-hash-function pedersen \
             --calldata --calldata-split {SPLIT} --calldata-job-id 7 --out proof.json {server}"
        ))
        .exits(0);
    let id = id.stdout.trim();

    // The calldata is that which the command makes of the proof.
    let got = folder
        .quarry(&format!("get {id} --calldata got --json {server}"))
        .exits(0);
    folder
        .quarry(&format!(
            "calldata proof.json --split {SPLIT} --job-id 7 --min-security-bits 0 --out made"
        ))
        .exits(0);
    let files = |name: &str| {
        let entries = fs::read_dir(folder.file(name)).expect("a folder");
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("a file");
                (entry.file_name(), fs::read(entry.path()).expect("a file"))
            })
            .collect();
        files.sort();
        files
    };
    assert!(files("got").len() > 3 && files("got") == files("made"));

    // So are the facts of the tasks.
    let job = got.json();
    let facts = folder
        .quarry("facts proof.json --min-security-bits 0 --json")
        .exits(0)
        .json();
    let tasks = facts["tasks"].as_array().expect("tasks").iter();
    let sharp: Vec<_> = tasks.map(|task| task["sharp_fact"].clone()).collect();
    assert_eq!(job["result"]["facts"]["task_sharp_facts"], json!(sharp));
    assert!(sharp.iter().all(Value::is_string), "{sharp:?}");
    assert_eq!(job["result"]["facts"]["mode"], "strict");
    let claim = &job["statement"]["claim"];
    assert_eq!(
        claim["bootloader"],
        "Quarry's bootloader for small, dex and perpetual"
    );
    let outputs = claim["tasks"].as_array().expect("tasks").iter();
    let outputs: Vec<_> = outputs.map(|task| task["output"].clone()).collect();
    assert_eq!(outputs, [json!(["0x1", "0x59"]), json!(["0x7"])]);

    // The private input is nowhere.
    let shown = folder.quarry(&format!("get {id} {server}")).exits(0).stdout;
    assert!(shown.contains("task 1"), "{shown}");
    let mut texts = vec![shown, job.to_string(), service.log()];
    for page in ["/metrics", "/status.json", "/history.json"] {
        texts.push(service.page(page).2);
    }
    for file in ["proof.json", "got/calldata.json"] {
        texts.push(fs::read_to_string(folder.file(file)).expect("a file"));
    }
    for text in texts {
        for secret in [format!("{SECRET:x}"), SECRET.to_string()] {
            assert!(!text.contains(&secret), "{secret}: {text:.200}");
        }
    }

    // An estimate has the steps of the run under the bootloader, not those that the PIE claims.
    let estimate = folder
        .quarry(&format!("estimate --pie secret.zip --layout small {server}"))
        .exits(0)
        .json();
    assert_eq!(estimate["n_steps"], 4096);
}

async fn job_of(client: &mut Client, folder: &Folder, pies: &[&[u8]]) -> JobSpec {
    let mut tasks = Vec::new();
    for pie in pies {
        folder.write("hostile.zip", pie);
        let pie = upload(client, &folder.file("hostile.zip")).await;
        tasks.push(TaskInput {
            task: Some(Task::Pie(pie)),
        });
    }
    JobSpec {
        input: Some(Input::Tasks(TasksInput {
            tasks,
            ..TasksInput::default()
        })),
        layout: "small".to_owned(),
        parameters: Some(Parameters::Profile(NamedProfile {
            name: "dev".to_owned(),
            security_bits: 30,
        })),
        ..JobSpec::default()
    }
}

fn changed(change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = secretive(7);
    change(&mut parts);
    parts.zip()
}

fn with_cell(cell: Cell) -> Vec<u8> {
    changed(|parts| parts.memory.extend(pie::cell(&cell)))
}

/// Each ends its own job, with a code of its own. None is the service's fault, and none is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_pies_end_their_own_job() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let good = secretive(7).zip();
    let segment = json!({ "index": 5, "size": 0 });
    use FailureClass::{InputInvalid, Resource};
    let table: [(&str, FailureClass, Vec<u8>); 11] = [
        ("input.pie.archive", InputInvalid, good[..300].to_vec()),
        // It expands to more than any metadata has.
        (
            "input.pie.entry_size",
            InputInvalid,
            secretive(7).zip_with(&vec![b' '; (1 << 26) + 1]),
        ),
        (
            "input.pie.json",
            InputInvalid,
            changed(|parts| parts.metadata["extra_segments"] = vec![segment; (1 << 16) + 1].into()),
        ),
        (
            "input.pie.segments",
            InputInvalid,
            changed(|parts| parts.metadata["execution_segment"]["size"] = (1 << 20).into()),
        ),
        (
            "limits.max_pie_cells",
            Resource,
            changed(|parts| parts.metadata["execution_segment"]["size"] = (1u64 << 46).into()),
        ),
        (
            "input.pie.memory",
            InputInvalid,
            with_cell(((1, (1 << 47) - 1), Word::Number(1))),
        ),
        (
            "input.pie.memory",
            InputInvalid,
            with_cell(((1, 4), Word::Pointer(1 << 15, 0))),
        ),
        // The output that the program asserts is another.
        ("input.task.run", InputInvalid, secretive(8).zip()),
        ("limits.memory", Resource, far().zip()),
        // A hash that nobody reads. No device is given it.
        ("input.task.run", InputInvalid, false_hash().zip()),
        // Two PIEs count together.
        ("limits.max_pie_bytes", Resource, good.clone()),
    ];
    let mut ids = Vec::new();
    for (code, _, pie) in &table {
        let mut spec = job_of(&mut client, &folder, &[pie]).await;
        if *code == "limits.max_pie_bytes" {
            spec = job_of(&mut client, &folder, &[pie, pie]).await;
            spec.limits = Some(Limits {
                max_pie_bytes: good.len() as u64 * 3 / 2,
                ..Limits::default()
            });
        }
        ids.push(submit(&mut client, spec).await.id);
    }
    for ((code, class, _), id) in table.iter().zip(ids) {
        let job = wait(&mut client, &id).await;
        let failure = job.failure.clone().unwrap_or_default();
        assert_eq!((&*failure.code, failure.class()), (*code, *class), "{job:?}");
        assert!(!failure.retryable && job.failed_attempts == 0, "{job:?}");
    }
    // A message about the input is for its owner.
    let secret = SECRET.to_string();
    assert!(!service.log().contains(&secret) && !service.page("/status.json").2.contains("ASSERT_EQ"));
    let spec = job_of(&mut client, &folder, &[&good]).await;
    let estimate = client.estimate(spec).await.expect("a service that works");
    assert_eq!(estimate.statement.unwrap_or_default().n_steps, 4096);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_service_can_do_is_refused() {
    let folder = Folder::new();
    folder.write("pie.zip", fibonacci());
    let program = fs::read(examples().join("collatz/program.json")).expect("an example");
    folder.write("program.json", program);
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let long = "x".repeat(300);
    for (line, said) in [
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
        (
            "--pie pie.zip --layout dynamic",
            "tasks.dynamic_params is missing",
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
    };
    let of_pie = |n: usize| TasksInput {
        tasks: vec![pie.clone(); n],
        ..TasksInput::default()
    };
    for (tasks, said) in [
        (of_pie(0), "0 were given; a job has 1 to 64"),
        (of_pie(65), "65 were given"),
        (
            TasksInput {
                tasks: vec![pie.clone(), TaskInput { task: None }],
                ..TasksInput::default()
            },
            "task 1 is of no kind that this service knows",
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
