//! Jobs whose input is a Cairo PIE.

use crate::common::Folder;
use crate::common::appliance::{Appliance, submit, upload, wait};
use crate::common::pie::{
    self, Cell, Parts, SECRET, Word, false_hash, far, far_executable, fibonacci, secretive,
};
use quarry_client::Client;
use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{
    ExecutableTask, FailureClass, JobSpec, Limits, NamedProfile, ProgramTask, TaskInput, TasksInput,
};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

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

/// The content of a task.
enum Content {
    Pie(Vec<u8>),
    /// A program and its input.
    Program(Vec<u8>, &'static str),
    /// An executable and its arguments.
    Executable(Value, &'static str),
}

impl Content {
    async fn upload(&self, client: &mut Client, folder: &Folder) -> Task {
        let mut upload = async |content: &[u8]| {
            folder.write("hostile", content);
            upload(client, &folder.file("hostile")).await
        };
        match self {
            Self::Pie(pie) => Task::Pie(upload(pie).await),
            Self::Program(program, input) => Task::Program(ProgramTask {
                program: Some(upload(program).await),
                input: Some(upload(input.as_bytes()).await),
            }),
            Self::Executable(executable, arguments) => Task::Executable(ExecutableTask {
                executable: Some(upload(executable.to_string().as_bytes()).await),
                arguments: Some(upload(arguments.as_bytes()).await),
            }),
        }
    }
}

async fn job_of(client: &mut Client, folder: &Folder, contents: &[&Content]) -> JobSpec {
    let mut tasks = Vec::new();
    for content in contents {
        tasks.push(TaskInput {
            task: Some(content.upload(client, folder).await),
            ..TaskInput::default()
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

/// A file of the crate of tasks.
fn data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data");
    fs::read(folder.join(name)).expect("a file")
}

/// A Scarb executable.
pub fn executable() -> Value {
    serde_json::from_slice(&data("squares.executable.json")).expect("an executable")
}

/// A program with a hint that Quarry does not know.
fn unknown_hint() -> Content {
    let text = String::from_utf8(data("squares.json")).expect("text");
    let changed = text.replace("ids.n = program_input['n']", "ids.n = open('/etc/hostname')");
    Content::Program(changed.into_bytes(), r#"{"n": 1}"#)
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
    use FailureClass::{InputInvalid, Resource, Unsupported};
    let pies: [(&str, FailureClass, Vec<u8>); 11] = [
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
        // A hash that the program does not read. No device is given it.
        ("input.task.run", InputInvalid, false_hash().zip()),
        // Two PIEs count together.
        ("limits.max_pie_bytes", Resource, good.clone()),
    ];
    let pies = pies.map(|(code, class, pie)| (code, class, Content::Pie(pie)));
    let program = |input| Content::Program(data("squares.json"), input);
    let programs = [
        (
            "input.program",
            InputInvalid,
            Content::Program(good.clone(), "{}"),
        ),
        // It lacks what a hint reads.
        ("input.program", InputInvalid, program("{}")),
        // It fails an assertion.
        ("input.program", InputInvalid, program(r#"{"n": 0}"#)),
        ("input.json", InputInvalid, program("{")),
        ("input.hint", Unsupported, unknown_hint()),
        ("limits.max_steps", Resource, program(r#"{"n": 1000}"#)),
        ("limits.max_pie_cells", Resource, program(r#"{"n": 11}"#)),
    ];
    let executable = executable();
    let run = |arguments| Content::Executable(executable.clone(), arguments);
    let with = |pointer: &str, value: Value| {
        let mut changed = executable.clone();
        *changed.pointer_mut(pointer).expect("a value") = value;
        Content::Executable(changed, "[3]")
    };
    let system_call = json!({ "SystemCall": { "system": { "Immediate": "0x1" } } });
    let executables = [
        ("input.executable.json", InputInvalid, with("/program", json!(7))),
        (
            "input.executable.starknet",
            Unsupported,
            with("/program/hints/0/1/0", system_call),
        ),
        (
            "input.executable.hints",
            InputInvalid,
            with("/program/hints/0/0", json!(1 << 40)),
        ),
        (
            "input.executable.entry_point",
            InputInvalid,
            with("/entrypoints", json!([])),
        ),
        ("input.executable.arguments", InputInvalid, run("[null]")),
        ("input.executable.panic", InputInvalid, run("[]")),
        (
            "input.executable.run",
            InputInvalid,
            with("/program/bytecode/6", json!("0x0")),
        ),
        (
            "limits.memory",
            Resource,
            Content::Executable(far_executable(), "[]"),
        ),
        ("limits.max_steps", Resource, run("[4]")),
        ("limits.max_pie_cells", Resource, run("[5]")),
    ];
    let mut ids = Vec::new();
    let table: Vec<_> = pies.into_iter().chain(programs).chain(executables).collect();
    for (code, _, content) in &table {
        let contents: &[_] = match *code {
            "limits.max_pie_bytes" => &[content, content],
            _ => &[content],
        };
        let mut spec = job_of(&mut client, &folder, contents).await;
        spec.limits = Some(match (*code, content) {
            ("limits.max_pie_bytes", _) => Limits {
                max_pie_bytes: good.len() as u64 * 3 / 2,
                ..Limits::default()
            },
            ("limits.max_steps", _) => Limits {
                max_steps: 10,
                ..Limits::default()
            },
            // The runs of programs count too.
            ("limits.max_pie_cells", Content::Program(..) | Content::Executable(..)) => Limits {
                max_pie_cells: 30,
                ..Limits::default()
            },
            _ => Limits::default(),
        });
        ids.push(submit(&mut client, spec).await.id);
    }
    for ((code, class, _), id) in table.iter().zip(ids) {
        let job = wait(&mut client, &id).await;
        let failure = job.failure.clone().unwrap_or_default();
        assert_eq!((&*failure.code, failure.class()), (*code, *class), "{job:?}");
        assert!(!failure.retryable && job.failed_attempts == 0, "{job:?}");
        let said = match *code {
            "input.executable.panic" => "task 0: the program panics with 'no values'",
            "limits.max_steps" => "task 0: the program did not end within 10 steps",
            _ => "",
        };
        assert!(failure.message.contains(said), "{failure:?}");
    }
    // A message about the input is for its owner.
    let secret = SECRET.to_string();
    assert!(!service.log().contains(&secret) && !service.page("/status.json").2.contains("ASSERT_EQ"));
    let spec = job_of(&mut client, &folder, &[&Content::Pie(good)]).await;
    let estimate = client.estimate(spec).await.expect("a service that works");
    assert_eq!(estimate.statement.unwrap_or_default().n_steps, 4096);
}
