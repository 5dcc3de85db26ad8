//! A proof that is damaged or lost is made again.

use crate::common::appliance::{Appliance, air_job, kept, submit, wait};
use crate::common::{Folder, assert_stones_proof};
use quarry_client::Client;
use quarry_client::protocol::{Job, JobSpec, JobState, WatchJobsRequest, job_spec::Input};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

/// Proves the case; the job.
async fn prove(client: &mut Client, case: &Folder) -> Job {
    let spec = JobSpec {
        dedup_key: "once".to_owned(),
        deadline: Some((SystemTime::now() + Duration::from_secs(3600)).into()),
        ..air_job(client, case, "blake").await
    };
    let id = submit(client, spec).await.id;
    let job = wait(client, &id).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    job
}

/// The file of an artifact.
fn object(case: &Folder, sha256: &str) -> PathBuf {
    let mut objects = kept(case, "objects").into_iter();
    objects.find(|path| path.ends_with(sha256)).expect("an artifact")
}

/// Changes a byte of a file.
fn damage(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_made_again_under_its_id_and_its_key() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let before = prove(&mut client, &case).await;
    let id = &before.id;
    let proof = client.result(id).await.unwrap().proof.unwrap();
    let get = format!("get {id} --out proof.json --server http://{}", service.address);
    let reprove = format!("admin --data data reprove {id}");
    case.quarry(&reprove).exits(2).says(&["whole"]);
    case.quarry("admin --data data reprove 0123")
        .exits(2)
        .says(&["no job"]);

    for is_lost in [false, true] {
        let file = object(&case, &proof.sha256);
        if is_lost {
            fs::remove_file(&file).unwrap();
        } else {
            damage(&file);
        }
        let command = format!("quarry admin reprove {id}");
        case.quarry(&get).exits(1).says(&[&command]);
        let checked = case.quarry("admin --data data check").exits(3);
        checked.says(&[&proof.sha256, &command]);
        case.quarry(&reprove).exits(0).says(&[id, "proved again"]);
        let job = wait(&mut client, id).await;
        assert_eq!(
            (job.state(), job.failed_attempts),
            (JobState::Succeeded, 0),
            "{job:?}"
        );
        assert!(job.lease_epoch > before.lease_epoch && job.created_at == before.created_at);
        assert_eq!(job.spec.unwrap().deadline, None, "its deadline no longer holds");
        case.quarry(&get).exits(0);
        assert_stones_proof(&case.json("proof.json"), PLAIN, "blake");
        case.quarry("admin --data data check").exits(0);
    }
    assert_eq!(client.by_dedup_key("once").await.unwrap().id, *id);
    assert_eq!(service.metric("quarry_jobs_proving"), Some(0.0));

    // A watcher from the beginning sees all three proofs.
    let watch = WatchJobsRequest {
        after: 0,
        job_id: id.clone(),
    };
    let mut events = client.watch(watch).await.unwrap();
    let mut n_ends = 0;
    while let Some(event) = events.message().await.unwrap() {
        n_ends += usize::from(event.state() == JobState::Succeeded);
    }
    assert_eq!(n_ends, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_again_stays_as_it_is() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let job = prove(&mut client, &case).await;
    let reprove = format!("admin --data data reprove {}", job.id);
    let proof = client.result(&job.id).await.unwrap().proof.unwrap();
    damage(&object(&case, &proof.sha256));
    let Some(Input::Air(files)) = job.spec.unwrap().input else {
        panic!("four files");
    };
    let trace = files.trace.unwrap();
    let file = object(&case, &trace.sha256);
    damage(&file);
    let path = file.display().to_string();
    case.quarry(&reprove)
        .exits(2)
        .says(&[&trace.sha256, &path, "upload it again"]);
    fs::remove_file(&file).unwrap();
    case.quarry(&reprove)
        .exits(2)
        .says(&[&trace.sha256, "upload it again"]);
    let stayed = client.get(&job.id).await.unwrap();
    assert_eq!(stayed.last_event, job.last_event, "nothing has changed");
    client.upload(&case.file("trace.bin")).await.unwrap();
    case.quarry(&reprove).exits(0);
    assert_eq!(wait(&mut client, &job.id).await.state(), JobState::Succeeded);

    // A job without a proof.
    case.quarry("admin --data data pause").exits(0);
    let spec = air_job(&mut client, &case, "blake").await;
    let id = submit(&mut client, spec).await.id;
    let reprove = format!("admin --data data reprove {id}");
    case.quarry(&reprove)
        .exits(2)
        .says(&["only a job that has succeeded"]);
    client.cancel(&id).await.unwrap();
    case.quarry(&reprove).exits(2).says(&["cancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_is_allowed_after_a_reopened_job_failed() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let id = prove(&mut client, &case).await.id;
    let proof = client.result(&id).await.unwrap().proof.unwrap();
    fs::remove_file(object(&case, &proof.sha256)).unwrap();
    let reprove = format!("admin --data data reprove {id}");
    case.quarry("admin --data data pause").exits(0);
    case.quarry(&reprove).exits(0);
    case.quarry(&reprove)
        .exits(2)
        .says(&["only a job that has succeeded"]);
    assert_eq!(client.cancel(&id).await.unwrap().state(), JobState::Cancelled);
    case.quarry(&reprove).exits(0);
    case.quarry("admin --data data resume").exits(0);
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);
    client.download(&proof, &case.file("proof.json")).await.unwrap();
}
