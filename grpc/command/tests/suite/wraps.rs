//! Jobs that wrap: the second leg begins with a first proof that was made before. (The wrapped proof has 2^20 steps and
//! takes 12 GiB, so these tests end once it is prepared. `crash` has the way from the first leg to the second.)

use crate::common::Folder;
use crate::common::appliance::{Appliance, kept, upload};
use crate::common::identity::sha256;
use crate::common::pie::fibonacci;
use crate::common::wrap::{INNER, of_inner, unpacked};
use quarry_client::Client;
use quarry_client::protocol::job_spec::Input;
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{
    ArtifactRef, FirstProof, Job, JobSpec, JobState, TaskInput, TasksInput, WrapOptions,
};
use quarry_service::store::{Fence, JobStore, RedbStore, Renew};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Submits a job that wraps, and moves it to its second leg while no service runs. Its first proof is `proof.json`.
async fn in_second_leg(folder: &Folder, wrap: WrapOptions) -> String {
    folder.write("pie.zip", fibonacci());
    let service = Appliance::start(folder, "");
    folder
        .quarry("admin --data data pause so-that-jobs-stay")
        .exits(0);
    let mut client = service.client().await;
    let pie = upload(&mut client, &folder.file("pie.zip")).await;
    if wrap.verifier.is_some() {
        upload(&mut client, &folder.file("verifier.json")).await;
    }
    let proof = upload(&mut client, &folder.file("proof.json")).await;
    let spec = JobSpec {
        input: Some(Input::Tasks(TasksInput {
            tasks: vec![TaskInput {
                task: Some(Task::Pie(pie)),
                ..TaskInput::default()
            }],
            ..TasksInput::default()
        })),
        wrap: Some(wrap),
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
    folder.write("proof.json", unpacked(INNER));
    let id = in_second_leg(&folder, WrapOptions::default()).await;
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
    let inner = of_inner(&folder, "proof.json");
    assert_eq!(statement.output[0], "0x1");
    assert_eq!(statement.output[1], format!("{:#x}", 2 + inner.len()));
    assert_eq!(statement.output[3..], inner);

    let server = format!("--server http://{}", service.address);
    let shown = folder
        .quarry(&format!("get {id} --first first.json {server}"))
        .exits(0);
    assert!(shown.stdout.contains("2 of 2"), "{}", shown.stdout);
    let listed = folder.quarry(&format!("list {server}")).exits(0).stdout;
    assert!(listed.contains("proof 2 of 2"), "{listed}");
    let status: Value = serde_json::from_str(&service.page("/status.json").2).unwrap();
    assert_eq!(status["active"][0]["leg"], 2, "{status}");
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
async fn the_second_leg_runs_the_programs_that_the_job_names() {
    let folder = Folder::new();
    folder.write("proof.json", unpacked(INNER));
    // Quarry's verifier, with a word behind its end: another program, which does the same.
    let file = unpacked("tasks/resources/verifiers/small.json.gz");
    let mut program: Value = serde_json::from_str(&file).unwrap();
    program["data"].as_array_mut().unwrap().push("0x0".into());
    folder.write("verifier.json", program.to_string());
    let file = fs::read(folder.file("verifier.json")).unwrap();
    let wrap = WrapOptions {
        verifier: Some(ArtifactRef {
            sha256: sha256(&file),
            size: file.len() as u64,
        }),
        bootloader_name: "short".to_owned(),
        program_hash_function: "poseidon".to_owned(),
        ..WrapOptions::default()
    };
    let id = in_second_leg(&folder, wrap).await;
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let job = prepared(&mut client, &id).await;
    let claim = job.statement.unwrap_or_default().claim.expect("a claim");
    // The bootloader `layout` of recursive_with_poseidon has five.
    assert_eq!(claim.builtins.len(), 11, "{claim:?}");
    // That of Quarry's verifier by Poseidon.
    let of_quarry = "0x1255ab412784435a33d84d8007f9e0afe661712593f92669820cbaa609cbb33";
    assert_ne!(claim.tasks[0].program_hash, of_quarry, "{claim:?}");
    assert_eq!(client.cancel(&id).await.unwrap().state(), JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_proof_that_is_lost_or_damaged_is_made_again() {
    for is_lost in [true, false] {
        let folder = Folder::new();
        folder.write("proof.json", "a proof");
        let id = in_second_leg(&folder, WrapOptions::default()).await;
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
    folder.write("none.json", "{}");
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    for (line, said) in [
        ("own.json --wrap", "--wrap"),
        (
            "--pie pie.zip --wrap --layout perpetual",
            "wrap: first_layout: the verifier of profile 'cairo-verifier' does not support layout 'perpetual'",
        ),
        (
            "--pie pie.zip --wrap --security-bits 500",
            "bits of security, 500 were requested",
        ),
        ("--pie pie.zip --wrap --parameter-file none.json", "wrap: "),
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
    // Known before the first leg is prepared.
    folder
        .quarry("params --profile integrity-stone6-keccak160 --steps 1048576 --out many.json")
        .exits(0);
    let mut many = folder.json("many.json");
    many["stark"]["fri"]["n_queries"] = 600.into();
    folder.write("many.json", many.to_string());
    let line = format!("--pie pie.zip --wrap --parameter-file many.json {server}");
    let failed = folder
        .quarry(&format!("submit --wait --json {line}"))
        .exits(2)
        .json();
    let details = &failed["error"]["details"];
    assert_eq!(details["failure"]["code"], "limits.max_queries", "{failed}");
    assert_eq!(details["leg"], 1, "{failed}");
    folder
        .quarry(&format!("estimate {line}"))
        .exits(2)
        .says(&["wrap: n_queries is 600; at most 512 is allowed"]);

    // Known once the first leg is prepared.
    let line = format!("submit --pie pie.zip --wrap --bootloader own.json --wait --json {server}");
    let failed = folder.quarry(&line).exits(2).json();
    let failure = &failed["error"]["details"]["failure"];
    assert_eq!(failure["code"], "input.wrap.form", "{failed}");

    // So is what is wrong with the programs that wrap.
    folder.write("plain.json", r#"{"data": ["0x1"]}"#);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data/squares_proof_mode.json");
    let mut with_ecdsa: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    with_ecdsa["builtins"]
        .as_array_mut()
        .unwrap()
        .push("ecdsa".into());
    folder.write("squares.json", with_ecdsa.to_string());
    for (options, code) in [
        ("--expect-verifier-hash 0x1", "input.wrap.verifier.hash"),
        ("--verifier plain.json", "input.wrap.verifier.program"),
        ("--verifier squares.json", "input.wrap.verifier.program"),
        ("--expect-wrap-bootloader-hash 0x1", "input.wrap.bootloader.hash"),
        ("--wrap-bootloader plain.json", "input.wrap.bootloader.program"),
    ] {
        let line = format!("submit --pie pie.zip --wrap {options} --wait --json {server}");
        let failed = folder.quarry(&line).exits(2).json();
        let details = &failed["error"]["details"];
        assert_eq!(details["failure"]["code"], code, "{failed}");
        assert_eq!(details["leg"], 1, "{failed}");
    }

    // An estimate foresees both proofs.
    let estimate = folder.quarry(&format!("estimate --pie pie.zip --wrap {server}"));
    let estimate = estimate.exits(0).json();
    assert!(
        estimate["n_steps"].as_u64().expect("steps") < 1 << 20,
        "{estimate}"
    );
    let wrapped = &estimate["wrapped"];
    assert_eq!(wrapped["layout"], "recursive_with_poseidon", "{estimate}");
    assert_eq!(wrapped["n_steps"], 1 << 20, "{estimate}");
    let line = format!("estimate --pie pie.zip --wrap --layout dynamic {server}");
    assert_eq!(folder.quarry(&line).exits(0).json()["layout"], "dynamic");
    let work = |of: &Value| of["multiplications"].as_f64().expect("a number");
    assert!(work(wrapped) > work(&estimate), "{estimate}");
    let one = folder
        .quarry(&format!("estimate --pie pie.zip {server}"))
        .exits(0);
    assert!(one.json()["wrapped"].is_null());
}
