//! End-to-end tests of the service: real processes, a real store, real proofs.

use crate::common::appliance::{Appliance, air_job, examples, long_job, submit, until, upload, wait};
use crate::common::{Folder, assert_stones_proof};
use quarry_client::protocol::{JobSpec, JobState, ListJobsRequest, WatchJobsRequest};
use quarry_client::{Client, ClientError, Connection};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

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
    // A repeated submission returns the first job, whatever has happened since.
    let repeated = JobSpec {
        deadline: Some((SystemTime::now() - Duration::from_secs(60)).into()),
        ..spec.clone()
    };
    assert!(client.submit(repeated.clone()).await.unwrap().existing);
    let late = JobSpec {
        dedup_key: "block 2".to_owned(),
        ..repeated
    };
    assert!(
        client
            .submit(late)
            .await
            .unwrap_err()
            .to_string()
            .contains("passed")
    );
    let other = JobSpec {
        labels: [("chain".to_owned(), "another".to_owned())].into(),
        ..spec.clone()
    };
    match client.submit(other).await {
        Err(ClientError::Status(status)) => {
            assert_eq!(status.code(), tonic::Code::AlreadyExists, "{status}");
            let digests = status.message().split(|c: char| !c.is_ascii_hexdigit());
            let digests: HashSet<_> = digests.filter(|word| word.len() == 64).collect();
            assert_eq!(digests.len(), 2, "both digests: {status}");
        }
        other => panic!("{other:?}"),
    }
    let again = client.submit(spec).await.unwrap();
    assert!(again.existing);
    assert_eq!(again.job.unwrap().id, id);

    let mut states = Vec::new();
    let mut cursors = Vec::new();
    let told = |event: &quarry_client::protocol::JobEvent| {
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

    // The proof equals Stone's and does not contain the private input.
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

    // Events can be replayed from any cursor.
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
    let again = folder.quarry(&format!("{line} --deadline 60 --priority 1"));
    assert_eq!(again.exits(0).stdout.trim(), id);
    // The key of a job that proves something else gives no client that job's proof.
    folder.write("other.json", r#"{"start": 3}"#);
    let other = line
        .replace("input.json", "other.json")
        .replace("proof.json", "other_proof.json");
    folder
        .quarry(&format!("{other} --label of=other"))
        .exits(2)
        .says(&[&*id, "another specification", "they differ in input, labels"]);
    assert!(!folder.file("other_proof.json").exists());
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
    let can = folder
        .quarry(&format!("capabilities --json {server}"))
        .exits(0)
        .json();
    assert_eq!(can["devices"][0]["name"], "cpu");
    folder
        .quarry(&format!("cancel {id} {server}"))
        .exits(2)
        .says(&["has ended"]);
    folder
        .quarry(&format!("get 00 {server}"))
        .exits(2)
        .says(&["no job"]);

    // Only one process can open the store. The stored data is intact, and a copy is equivalent.
    let copy = "store backup --data data copy/store.redb";
    fs::create_dir(folder.file("copy")).unwrap();
    folder.quarry(copy).exits(2).says(&["quarry admin"]);
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
async fn a_restart_takes_up_what_was_there() {
    let folder = Folder::new();
    folder.write("quarry.toml", "drain_seconds = 0\nmax_drain_seconds = 0\n");
    let service = Appliance::start(&folder, "--config quarry.toml");
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

    // The pace of these two proofs is known after a restart too.
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
    // Under load, a job whose deadline cannot be met is rejected with a retry delay.
    let large = long_job(&mut client, 1 << 17).await;
    let large = submit(&mut client, large).await.id;
    while !client.get(&large).await.unwrap().validation_done {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The service prepares one job ahead of its device. A job behind that one has not begun, so others can delay it.
    let ahead = submit(&mut client, spec.clone()).await.id;
    while !client.get(&ahead).await.unwrap().validation_done {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refusal = async |client: &mut Client, spec: JobSpec| match client.submit(spec).await {
        Ok(submitted) => Ok(submitted.job.unwrap_or_default().id),
        Err(ClientError::Status(status)) if status.code() == tonic::Code::ResourceExhausted => {
            assert!(tonic_types::StatusExt::get_details_retry_info(&*status).is_some());
            Err(status.message().to_owned())
        }
        Err(other) => panic!("{other:?}"),
    };
    let refused = refusal(&mut client, within(3.0, &spec)).await.unwrap_err();
    assert!(refused.contains("with a later deadline"), "{refused}");
    // An accepted deadline is a commitment: jobs that would break it are rejected, jobs that run after it are accepted.
    let wait_seconds = client.estimate(spec.clone()).await.unwrap().wait_seconds.unwrap();
    let promise = within(wait_seconds + 1.2 * most + 1.0, &spec);
    let mut taken = vec![large, ahead, refusal(&mut client, promise).await.unwrap()];
    let refused = loop {
        match refusal(&mut client, spec.clone()).await {
            Ok(id) => taken.push(id),
            Err(refused) => break refused,
        }
        assert!(taken.len() < 200);
    };
    assert!(refused.contains("an accepted job is due"), "{refused}");
    let behind = JobSpec {
        priority: -1,
        ..spec.clone()
    };
    taken.push(refusal(&mut client, behind).await.unwrap());
    for id in taken {
        client.cancel(&id).await.unwrap();
    }
    assert_eq!(client.get(&cancelled).await.unwrap().state(), JobState::Cancelled);
    until("end of all files of attempts", || {
        let mut runs = fs::read_dir(folder.file("data/scratch")).unwrap();
        let run = runs.next().expect("the folder of this run").unwrap().path();
        fs::read_dir(run).unwrap().next().is_none().then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_prove_two_jobs_at_once() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "--device cpu --device cpu");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 13).await;
    let first = submit(&mut client, spec.clone()).await.id;
    let second = submit(&mut client, spec).await.id;
    let proved_on = async |client: &mut Client| {
        let devices = client.capabilities().await.unwrap().devices;
        assert!(devices.iter().all(|device| device.name == "cpu"));
        let mut ids: Vec<_> = devices.into_iter().map(|device| device.job_id).collect();
        ids.sort();
        ids
    };
    let both = [first.clone(), second.clone()];
    while proved_on(&mut client).await != both {
        assert!(!client.get(&first).await.unwrap().state().has_ended());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for device in client.capabilities().await.unwrap().devices {
        assert!(
            device.memory_bytes == 0 && device.host_memory_bytes > 1 << 30,
            "{device:?}"
        );
    }
    let mut proofs = Vec::new();
    for id in both {
        assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);
        proofs.push(client.result(&id).await.unwrap().proof_bytes);
    }
    assert_eq!(proofs[0], proofs[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_resumed() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let whole = fs::read(case.file("memory.bin")).unwrap();
    let memory = upload(&mut client, &case.file("memory.bin")).await;
    let to = case.file("downloaded.bin");
    let part = format!("downloaded.bin.{}.part", &memory.sha256[..16]);
    case.write(&part, &whole[..whole.len() / 3]);
    client.download(&memory, &to).await.unwrap();
    assert_eq!(fs::read(&to).unwrap(), whole);
    // The partial file has other content: it is not accepted as the artifact, and the next download is complete.
    fs::remove_file(&to).unwrap();
    case.write(&part, "something else");
    assert!(matches!(
        client.download(&memory, &to).await,
        Err(ClientError::Damaged(_))
    ));
    client.download(&memory, &to).await.unwrap();
    assert_eq!(fs::read(&to).unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_at_once_are_taken_one_after_the_other() {
    let case = Folder::with_case(PLAIN);
    let digest: String = Sha256::digest(b"token")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let known =
        format!("[[clients]]\nsha256 = \"{digest}\"\ntenant = \"a\"\nroles = [\"submit\", \"read\"]\n");
    case.write("quota.toml", format!("{known}max_active_jobs = 1\n"));
    let service = Appliance::start(&case, "--config quota.toml");
    case.quarry("admin --data data pause so-that-jobs-stay").exits(0);
    let connection = Connection {
        token: Some("token".to_owned()),
        ..service.connection()
    };
    let mut client = Client::connect(&connection).await.unwrap();
    let spec = air_job(&mut client, &case, "blake").await;
    let submit_at_once = async |dedup_key: &str| {
        let spec = JobSpec {
            dedup_key: dedup_key.to_owned(),
            ..spec.clone()
        };
        let one = || {
            let (mut client, spec) = (client.clone(), spec.clone());
            tokio::spawn(async move { client.submit(spec).await })
        };
        let all: Vec<_> = std::iter::repeat_with(one).take(32).collect();
        let mut ids = HashSet::new();
        for answer in all {
            ids.extend(answer.await.unwrap().ok().map(|answer| answer.job.unwrap().id));
        }
        ids
    };
    assert_eq!(submit_at_once("").await.len(), 1, "the quota is one job");
    case.write("quota.toml", &known);
    case.quarry("admin --data data reload").exits(0);
    let ids = submit_at_once("the same").await;
    assert_eq!(ids.len(), 1, "the same job");
    case.quarry("admin --data data resume").exits(0);
    for id in &ids {
        assert_eq!(wait(&mut client, id).await.state(), JobState::Succeeded);
    }
}

/// A client that disconnects during a submission leaves no job unprocessed.
#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_was_given_up_is_none_or_whole() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    for n in 0..40 {
        let (mut client, spec) = (client.clone(), spec.clone());
        let submitting = tokio::spawn(async move { client.submit(spec).await });
        tokio::time::sleep(Duration::from_micros(150 * n)).await;
        submitting.abort();
    }
    let request = ListJobsRequest {
        page_size: 100,
        ..ListJobsRequest::default()
    };
    let jobs = client.list(request).await.unwrap().jobs;
    println!("{} of 40 were recorded", jobs.len());
    for job in &jobs {
        let ended = tokio::time::timeout(Duration::from_secs(60), wait(&mut client, &job.id)).await;
        assert_eq!(ended.expect("an end").state(), JobState::Succeeded);
    }
}
