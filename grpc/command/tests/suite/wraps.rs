//! Jobs that wrap: the second leg begins with a first proof that was made before. (The wrapped proof has 2^20 steps and
//! takes 12 GiB, so these tests end once it is prepared. `crash` has the way from the first leg to the second.)

use crate::common::Folder;
use crate::common::appliance::{Appliance, kept, upload};
use crate::common::pie::fibonacci;
use flate2::read::GzDecoder;
use quarry_client::Client;
use quarry_client::protocol::job_spec::Input;
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{FirstProof, Job, JobSpec, JobState, TaskInput, TasksInput, WrapOptions};
use quarry_service::store::{Fence, JobStore, RedbStore, Renew};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Unpacks a file of the repository.
fn unpacked(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let mut text = String::new();
    let file = File::open(path).expect("a file");
    GzDecoder::new(file).read_to_string(&mut text).expect("a text");
    text
}

/// Submits a job that wraps, and moves it to its second leg while no service runs. Its first proof is `proof.json`.
async fn in_second_leg(folder: &Folder) -> String {
    folder.write("pie.zip", fibonacci());
    let service = Appliance::start(folder, "");
    folder
        .quarry("admin --data data pause so-that-jobs-stay")
        .exits(0);
    let mut client = service.client().await;
    let pie = upload(&mut client, &folder.file("pie.zip")).await;
    let proof = upload(&mut client, &folder.file("proof.json")).await;
    let spec = JobSpec {
        input: Some(Input::Tasks(TasksInput {
            tasks: vec![TaskInput {
                task: Some(Task::Pie(pie)),
                ..TaskInput::default()
            }],
            ..TasksInput::default()
        })),
        wrap: Some(WrapOptions::default()),
        ..JobSpec::default()
    };
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    service.kill();
    let store = RedbStore::open(&folder.file("data/store.redb")).unwrap();
    let first = FirstProof {
        proof: Some(proof),
        ..FirstProof::default()
    };
    let moved = store.change(&id, Fence::Any, Renew::New, &mut |job| {
        job.begin_second_leg(first.clone());
    });
    moved.unwrap();
    id
}

/// Waits until a job is ready for a device.
async fn prepared(client: &mut Client, id: &str) -> Job {
    loop {
        let job = client.get(id).await.unwrap();
        assert!(!job.state().has_ended(), "{job:?}");
        if job.state() == JobState::Queued {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_leg_states_what_the_first_proof_shows() {
    let folder = Folder::new();
    folder.write(
        "proof.json",
        unpacked("prover-core/tests/data/wrap/small.json.gz"),
    );
    let id = in_second_leg(&folder).await;
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let job = prepared(&mut client, &id).await;
    assert_eq!((job.leg, job.failed_attempts), (2, 0), "{job:?}");
    let statement = job.statement.expect("a statement");
    assert_eq!(
        (&*statement.layout, statement.n_steps),
        ("recursive_with_poseidon", 1 << 20)
    );

    // One task: the Cairo verifier, which prints the inner program's hash and its output.
    let inner = folder
        .quarry("verify proof.json --run relaxed --json")
        .exits(0)
        .json();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let output: Vec<_> = inner["output"]
        .as_array()
        .expect("words")
        .iter()
        .map(word)
        .collect();
    assert_eq!(statement.output[0], "0x1");
    assert_eq!(statement.output[1], format!("{:#x}", 3 + output.len()));
    assert_eq!(statement.output[3], word(&inner["program_hash_poseidon"]));
    assert_eq!(statement.output[4..], output);

    let server = format!("--server http://{}", service.address);
    let shown = folder
        .quarry(&format!("get {id} --first first.json {server}"))
        .exits(0);
    assert!(shown.stdout.contains("2 of 2"), "{}", shown.stdout);
    let [first, proof] = ["first.json", "proof.json"].map(|name| fs::read(folder.file(name)).unwrap());
    assert!(first == proof);
    let json = folder
        .quarry(&format!("get {id} --json {server}"))
        .exits(0)
        .json();
    assert_eq!(json["leg"], 2);
    assert_eq!(client.cancel(&id).await.unwrap().state(), JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_proof_that_is_lost_or_damaged_is_made_again() {
    for is_lost in [true, false] {
        let folder = Folder::new();
        folder.write("proof.json", "a proof");
        let id = in_second_leg(&folder).await;
        let objects = kept(&folder, "objects").into_iter();
        let mut proofs = objects.filter(|path| fs::read(path).unwrap() == b"a proof");
        let proof = proofs.next().expect("the first proof");
        if is_lost {
            fs::remove_file(proof).unwrap();
        } else {
            fs::write(proof, "another").unwrap();
        }
        let service = Appliance::start(&folder, "");
        let mut client = service.client().await;
        let job = prepared(&mut client, &id).await;
        assert_eq!(
            (job.leg, job.failed_attempts, &job.first),
            (1, 1, &None),
            "{job:?}"
        );
        assert_eq!(job.attempt_failures[0].code, "wrap.first_proof");
        assert!(!job.attempt_failures[0].message.contains("data/"), "{job:?}");
    }
}

#[test]
fn what_cannot_be_wrapped_is_refused_before_it_is_proved() {
    let folder = Folder::new();
    folder.write("pie.zip", fibonacci());
    folder.write(
        "own.json",
        unpacked("tasks/resources/layout_bootloader/small.json.gz"),
    );
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    for (line, said) in [
        ("own.json --wrap", "--wrap"),
        (
            "--pie pie.zip --wrap --layout small",
            "wrap: layout 'small' was requested",
        ),
        (
            "--pie pie.zip --wrap --profile l1-sharp",
            "wrap: the verifier of profile 'l1-sharp' does not support layout",
        ),
    ] {
        folder
            .quarry(&format!("submit {line} {server}"))
            .exits(2)
            .says(&[said]);
    }
    // Known once the first leg is prepared.
    let line = format!("submit --pie pie.zip --wrap --bootloader own.json --wait --json {server}");
    let failed = folder.quarry(&line).exits(2).json();
    let failure = &failed["error"]["details"]["failure"];
    assert_eq!(failure["code"], "input.wrap.form", "{failed}");

    // An estimate is that of the first proof.
    let estimate = folder.quarry(&format!("estimate --pie pie.zip --wrap {server}"));
    let estimate = estimate.exits(0).json();
    assert!(
        estimate["n_steps"].as_u64().expect("steps") < 1 << 20,
        "{estimate}"
    );
}
