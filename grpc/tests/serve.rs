//! The service: real processes, a real store, real proofs.

mod common;

use common::appliance::{Appliance, air_job, examples, long_job, signal, until, upload};
use common::{Folder, assert_stones_proof};
use quarry_grpc::client::{Client, ClientError};
use quarry_grpc::protocol::{
    FailureClass, Job, JobSpec, JobState, Limits, ListJobsRequest, WatchJobsRequest, job_spec::Input,
};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

async fn submit(client: &mut Client, spec: JobSpec) -> Job {
    let answer = client.submit(spec).await.expect("an accepted job");
    answer.job.expect("a job")
}

async fn wait(client: &mut Client, id: &str) -> Job {
    client.wait(id, |_| {}).await.expect("the job ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn stones_inputs_give_stones_proof() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = JobSpec {
        dedup_key: "block 1".to_owned(),
        labels: [("chain".to_owned(), "test".to_owned())].into(),
        ..air_job(&mut client, &case, "blake").await
    };
    let id = submit(&mut client, spec.clone()).await.id;
    let again = client.submit(spec).await.unwrap();
    assert!(again.existing);
    assert_eq!(again.job.unwrap().id, id);

    let mut states = Vec::new();
    let mut cursors = Vec::new();
    let told = |event: &quarry_grpc::protocol::JobEvent| {
        states.push(event.state());
        cursors.push(event.cursor);
    };
    let job = client.wait(&id, told).await.unwrap();
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert!(job.validation_done);
    states.dedup();
    use JobState::{Queued, Received, Running, Succeeded, Validating, Verifying};
    assert_eq!(
        states,
        [Received, Validating, Queued, Running, Verifying, Succeeded]
    );
    assert!(cursors.is_sorted_by(|a, b| a < b));

    // The proof is Stone's, and keeps the private input to itself.
    let result = client.result(&id).await.unwrap();
    let proof = result.proof.clone().unwrap();
    client.download(&proof, &case.file("proof.json")).await.unwrap();
    let file = case.json("proof.json");
    assert_stones_proof(&file, PLAIN, "blake");
    assert_eq!(file["private_input"], serde_json::json!({}));
    let text = format!("{result:?}");
    assert!(!text.contains("private") && !text.contains("trace.bin"), "{text}");
    let statement = result.statement.unwrap();
    assert_eq!((&*statement.layout, statement.n_steps), ("plain", 512));
    assert_eq!(
        result.proof_bytes.unwrap().size,
        file["proof_hex"].as_str().unwrap().len() as u64 / 2 - 1
    );
    assert!(result.phases.iter().any(|phase| phase.phase == "FRI"));
    case.quarry("verify proof.json --min-security-bits=0").exits(0);

    // What happened is told again from any cursor, and nothing else.
    let request = WatchJobsRequest {
        after: cursors[2],
        job_id: id.clone(),
    };
    let mut events = client.watch(request).await.unwrap();
    let mut replayed = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        replayed.push(event.cursor);
    }
    assert_eq!(replayed, cursors[3..]);

    assert_eq!(client.by_dedup_key("block 1").await.unwrap().id, id);
    let labelled = |value: &str| ListJobsRequest {
        labels: [("chain".to_owned(), value.to_owned())].into(),
        ..ListJobsRequest::default()
    };
    assert_eq!(client.list(labelled("test")).await.unwrap().jobs.len(), 1);
    assert_eq!(client.list(labelled("other")).await.unwrap().jobs.len(), 0);
    assert!(matches!(client.cancel(&id).await, Err(ClientError::Status(_))));
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn the_commands_work_as_written() {
    let folder = Folder::new();
    for file in ["program.json", "input.json"] {
        fs::copy(examples().join("collatz").join(file), folder.file(file)).unwrap();
    }
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let line = format!(
        "submit program.json --input input.json --profile dev --security-bits 30 --dedup-key k --out proof.json {server}"
    );
    let ran = folder.quarry(&line).exits(0).says(&["running", "succeeded"]);
    let id = ran.stdout.trim().to_owned();
    folder.quarry("verify proof.json --min-security-bits=0").exits(0);
    let again = folder.quarry(&format!(
        "submit program.json --input input.json --dedup-key k {server}"
    ));
    assert_eq!(again.exits(0).stdout.trim(), id);
    let got = folder.quarry(&format!("get {id} --json --out again.json {server}"));
    assert_eq!(got.exits(0).json()["state"], "succeeded");
    let read = |name: &str| fs::read(folder.file(name)).unwrap();
    assert_eq!(read("proof.json"), read("again.json"));
    let listed = folder.quarry(&format!("list {server}")).exits(0).stdout;
    assert!(listed.contains(&id) && listed.contains("succeeded"), "{listed}");
    let events = folder.quarry(&format!("watch {id} {server}")).exits(0).stdout;
    assert!(
        events.lines().count() > 6 && events.contains("proof of work"),
        "{events}"
    );
    let can = folder.quarry(&format!("capabilities {server}")).exits(0).json();
    assert_eq!(can["devices"][0]["name"], "cpu");
    folder
        .quarry(&format!("cancel {id} {server}"))
        .exits(2)
        .says(&["has ended"]);
    folder
        .quarry(&format!("get 00 {server}"))
        .exits(2)
        .says(&["no job"]);

    // The store is one process's. What it kept is whole, and a copy is as good.
    let copy = "store backup --data data copy/store.redb";
    fs::create_dir(folder.file("copy")).unwrap();
    folder.quarry(copy).exits(2).says(&["already open"]);
    drop(service);
    folder.quarry(copy).exits(0);
    folder.quarry(copy).exits(2).says(&["exists"]);
    folder.quarry("store check --data data").exits(0).says(&["whole"]);
    fs::rename(folder.file("data/artifacts"), folder.file("copy/artifacts")).unwrap();
    folder.quarry("store check --data copy").exits(0);
    folder
        .quarry("store check --data data")
        .exits(3)
        .says(&["not here"]);
    let service = Appliance::start(&folder, "--data copy");
    let got = folder.quarry(&format!(
        "get {id} --out copy.json --server http://{}",
        service.address
    ));
    got.exits(0);
    assert_eq!(read("proof.json"), read("copy.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_input_fails_alone() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let good = air_job(&mut client, &case, "blake").await;
    let Some(Input::Air(files)) = good.input.clone() else {
        panic!("four files");
    };
    let with = |change: &dyn Fn(&mut quarry_grpc::protocol::AirInput)| {
        let mut files = files.clone();
        change(&mut files);
        JobSpec {
            input: Some(Input::Air(files)),
            ..good.clone()
        }
    };
    let mut file = async |name: &str, bytes: &[u8]| {
        case.write(name, bytes);
        Some(upload(&mut client, &case.file(name)).await)
    };
    let not_json = file("not_json", b"{").await;
    let trace = fs::read(case.file("trace.bin")).unwrap();
    let cut = file("cut", &trace[1..]).await;
    let mut other = trace.clone();
    // The allocation pointer of a step in the middle.
    other[24 * 100] ^= 1;
    let other = file("other", &other).await;
    let memory_limit = Limits {
        max_child_memory_bytes: 64 << 20,
        ..Limits::default()
    };
    let time_limit = Limits {
        max_device_seconds: 1,
        ..Limits::default()
    };
    let step_limit = Limits {
        max_steps: 256,
        ..Limits::default()
    };
    let limited = |limits: Limits, spec: &JobSpec| JobSpec {
        limits: Some(limits),
        ..spec.clone()
    };
    let long = long_job(&mut client, 1 << 13).await;
    let large = long_job(&mut client, 1 << 20).await;
    let wrong_program = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        ..good.clone()
    };
    use FailureClass::{InputInvalid, Resource, Unsupported};
    let table = [
        (
            with(&|files| files.public_input = not_json.clone()),
            InputInvalid,
            "input.json",
        ),
        (
            with(&|files| files.private_input = not_json.clone()),
            InputInvalid,
            "input.json",
        ),
        (
            with(&|files| files.trace = cut.clone()),
            InputInvalid,
            "input.air",
        ),
        (with(&|files| files.trace = other.clone()), InputInvalid, "input."),
        (with(&|files| files.memory = None), InputInvalid, "spec.input"),
        (wrong_program, InputInvalid, "input.program_hash"),
        (limited(step_limit, &good), Resource, "limits.max_steps"),
        (limited(memory_limit, &large), Resource, "limits.memory"),
        (limited(time_limit, &long), Resource, "limits.device_time"),
        (
            JobSpec {
                layout: "plain".to_owned(),
                ..long.clone()
            },
            Unsupported,
            "input.layout",
        ),
    ];
    let mut ids = Vec::new();
    for (spec, class, code) in table {
        ids.push((submit(&mut client, spec).await.id, class, code));
    }
    let good = submit(&mut client, good).await.id;
    for (id, class, code) in ids {
        let job = wait(&mut client, &id).await;
        let failure = job.failure.clone().unwrap_or_else(|| panic!("{code}: {job:?}"));
        assert_eq!(failure.class(), class, "{failure:?}");
        assert!(failure.code.starts_with(code), "{code}: {failure:?}");
        assert!(!failure.retryable);
        let state = match class {
            Resource => JobState::Failed,
            _ => JobState::Rejected,
        };
        assert_eq!(job.state(), state, "{failure:?}");
        assert!(matches!(client.result(&id).await, Err(ClientError::Status(_))));
    }
    assert_eq!(wait(&mut client, &good).await.state(), JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_die_and_jobs_go_on() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 13).await;

    // A worker dies in the middle: another lease, and the same job succeeds.
    let id = submit(&mut client, spec.clone()).await.id;
    let on_device = async |client: &mut Client, id: &str| {
        loop {
            let job = client.get(id).await.unwrap();
            if job.state() == JobState::Running && !job.stage.is_empty() {
                return job;
            }
            assert!(!job.state().has_ended(), "{job:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let before = on_device(&mut client, &id).await;
    signal("KILL", service.process("worker"));
    let job = wait(&mut client, &id).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert_eq!(job.failed_attempts, 1);
    assert!(job.lease_epoch > before.lease_epoch);

    // A job whose workers always die is given up, with the cause.
    let id = submit(&mut client, spec.clone()).await.id;
    for attempt in 1..=3 {
        on_device(&mut client, &id).await;
        signal("KILL", service.process("worker"));
        while client.get(&id).await.unwrap().failed_attempts < attempt {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let job = wait(&mut client, &id).await;
    let failure = job.failure.clone().unwrap_or_default();
    assert_eq!(
        (job.state(), job.failed_attempts),
        (JobState::Failed, 3),
        "{job:?}"
    );
    assert_eq!(
        (failure.class(), &*failure.code),
        (FailureClass::Device, "worker.died")
    );
    assert!(failure.message.contains("SIGKILL"), "{failure:?}");

    // Cancelled: the answer is final, and the device is free within a second.
    let id = submit(&mut client, spec.clone()).await.id;
    on_device(&mut client, &id).await;
    let start = Instant::now();
    let job = client.cancel(&id).await.unwrap();
    assert_eq!(job.state(), JobState::Cancelled);
    loop {
        let devices = client.capabilities().await.unwrap().devices;
        if devices[0].job_id.is_empty() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{devices:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // A child dies: its job fails, and no other.
    let large = long_job(&mut client, 1 << 20).await;
    let id = submit(&mut client, large).await.id;
    signal("ILL", service.process("child"));
    let job = wait(&mut client, &id).await;
    let failure = job.failure.clone().unwrap_or_default();
    assert_eq!(
        (job.state(), &*failure.code),
        (JobState::Rejected, "child.signal"),
        "{job:?}"
    );

    // Too late.
    let deadline = SystemTime::now() + Duration::from_secs(1);
    let late = JobSpec {
        deadline: Some(deadline.into()),
        ..spec.clone()
    };
    let id = submit(&mut client, late).await.id;
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_takes_up_what_was_there() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "--drain-seconds 0");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 0).await;
    let running = submit(&mut client, spec.clone()).await.id;
    let waiting = submit(&mut client, spec.clone()).await.id;
    // The next job's program runs while this one is on the device.
    while client.get(&waiting).await.unwrap().state() != JobState::Queued {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(client.get(&running).await.unwrap().state(), JobState::Running);
    let cancelled = submit(&mut client, spec).await.id;
    client.cancel(&cancelled).await.unwrap();
    let worker = service.process("worker");
    assert_eq!(service.terminate().code(), Some(0));
    until("end of the worker", || {
        (!Path::new(&format!("/proc/{worker}")).exists()).then_some(())
    });

    let start = Instant::now();
    let service = Appliance::start(&folder, "");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let mut client = service.client().await;
    let mut digests = Vec::new();
    for id in [running, waiting] {
        let job = wait(&mut client, &id).await;
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
        assert_eq!(
            job.failed_attempts, 0,
            "the end of the service is not the job's fault"
        );
        digests.push(client.result(&id).await.unwrap().proof_bytes);
    }
    assert_eq!(digests[0], digests[1]);

    // The pace of these two is known, after another start too.
    drop(service);
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 0).await;
    let estimate = client.estimate(spec.clone()).await.unwrap();
    let (half, most) = (estimate.seconds_p50.unwrap(), estimate.seconds_p95.unwrap());
    assert!(half > 0.0 && half <= most, "{estimate:?}");
    assert_eq!(
        (estimate.wait_seconds, estimate.would_meet_deadline),
        (Some(0.0), None)
    );
    assert_eq!(estimate.statement.unwrap().n_steps, 4096);
    let within = |seconds: f64, spec: &JobSpec| JobSpec {
        deadline: Some((SystemTime::now() + Duration::from_secs_f64(seconds)).into()),
        ..spec.clone()
    };
    for (seconds, meets) in [(most + 60.0, true), (half / 2.0, false)] {
        let estimate = client.estimate(within(seconds, &spec)).await.unwrap();
        assert_eq!(estimate.would_meet_deadline, Some(meets));
    }
    // While much is to be done, a job that is due before is not taken, and its sender is told when to come again.
    let large = long_job(&mut client, 1 << 17).await;
    let large = submit(&mut client, large).await.id;
    while !client.get(&large).await.unwrap().validation_done {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    match client.submit(within(3.0, &spec)).await {
        Err(ClientError::Status(status)) => assert_eq!(status.code(), tonic::Code::ResourceExhausted),
        other => panic!("{other:?}"),
    }
    client.cancel(&large).await.unwrap();
    assert_eq!(client.get(&cancelled).await.unwrap().state(), JobState::Cancelled);
    until("end of all files of attempts", || {
        let mut left = fs::read_dir(folder.file("data/scratch")).unwrap();
        left.next().is_none().then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let Some(Input::Air(files)) = spec.input.clone() else {
        panic!("four files");
    };
    let trace = files.trace.unwrap();
    let object = case.file(&format!(
        "data/artifacts/objects/{}/{}",
        &trace.sha256[..2],
        trace.sha256
    ));
    let mut bytes = fs::read(&object).unwrap();
    bytes[1000] ^= 1;
    fs::write(&object, bytes).unwrap();

    let id = submit(&mut client, spec).await.id;
    let failure = wait(&mut client, &id).await.failure.unwrap();
    assert_eq!(
        (failure.class(), &*failure.code),
        (FailureClass::Internal, "artifact.damaged")
    );
    let downloaded = client.download(&trace, &case.file("downloaded")).await;
    assert!(downloaded.unwrap_err().to_string().contains("another digest"));
    // The service is there for the rest.
    let params = case.file("params_blake.json");
    let intact = upload(&mut client, &params).await;
    client.download(&intact, &case.file("downloaded")).await.unwrap();
    assert_eq!(
        fs::read(case.file("downloaded")).unwrap(),
        fs::read(params).unwrap()
    );
}
