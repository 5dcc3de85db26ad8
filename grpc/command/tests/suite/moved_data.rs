//! Data that is moved, replaced or cut under a running service: it takes no job that would be lost with the process.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, reaches, signal, submit, until, wait};
use quarry_client::protocol::{JobSpec, JobState};
use quarry_client::{Client, ClientError};
use std::fs::{self, OpenOptions};
use tonic::Code;

const FAILING: &str = "quarry_store_failing";

/// Waits until the service is not ready for this reason, and takes no job.
async fn refuses(service: &Appliance, client: &mut Client, spec: &JobSpec, reason: &str) {
    until(reason, || {
        let (status, _, reasons) = service.page("/readyz");
        (status == 503 && reasons.contains(reason)).then_some(())
    });
    match client.submit(spec.clone()).await {
        Err(ClientError::Status(status)) => {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            assert!(!status.message().contains('/'), "{status}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(service.metric(FAILING), Some(1.0));
}

async fn proves(service: &Appliance, client: &mut Client, spec: &JobSpec) {
    until("readiness", || (service.page("/readyz").0 == 200).then_some(()));
    assert_eq!(service.metric(FAILING), Some(0.0));
    let id = submit(client, spec.clone()).await.id;
    assert_eq!(wait(client, &id).await.state(), JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_until_moved_data_is_back() {
    let case = Folder::with_case("plain/fib_2p9");
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    proves(&service, &mut client, &spec).await;
    let away = case.file("away");
    for name in ["data/store.redb", "data/artifacts", "data"] {
        let path = case.file(name);
        // Nothing is in work that could make a folder anew.
        case.quarry("admin --data data pause test").exits(0);
        let accepted = submit(&mut client, spec.clone()).await.id;
        reaches(&mut client, &accepted, JobState::Queued).await;
        fs::rename(&path, &away).unwrap();
        refuses(&service, &mut client, &spec, "was removed").await;
        match name {
            "data/store.redb" => {
                // What was accepted can still be saved.
                case.quarry("admin --data data backup copy.redb").exits(0);
                assert!(fs::copy(&away, &path).unwrap() > 0);
            }
            _ => fs::create_dir(&path).unwrap(),
        }
        if name != "data" {
            refuses(&service, &mut client, &spec, "was replaced").await;
        }
        match path.is_dir() {
            true => fs::remove_dir_all(&path).unwrap(),
            false => fs::remove_file(&path).unwrap(),
        }
        fs::rename(&away, &path).unwrap();
        case.quarry("admin --data data resume").exits(0);
        proves(&service, &mut client, &spec).await;
        let job = wait(&mut client, &accepted).await;
        let ended = (job.state(), job.failed_attempts);
        assert_eq!(ended, (JobState::Succeeded, 0), "{name}: {job:?}");
    }
    let log = service.log();
    assert!(log.contains("the store works again"), "{log}");

    let store = OpenOptions::new()
        .write(true)
        .open(case.file("data/store.redb"))
        .unwrap();
    store.set_len(store.metadata().unwrap().len() / 2).unwrap();
    refuses(&service, &mut client, &spec, "was cut").await;
    service.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_finds_no_artifacts_is_made_again() {
    let case = Folder::with_case("plain/fib_2p9");
    case.write("quarry.toml", "max_attempts = 1\n");
    let service = Appliance::start(&case, "--config quarry.toml");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    // The worker is stopped before it gets the job, however fast it is.
    case.quarry("admin --data data pause test").exits(0);
    let id = submit(&mut client, spec).await.id;
    reaches(&mut client, &id, JobState::Queued).await;
    let worker = service.process("worker");
    signal("STOP", worker);
    case.quarry("admin --data data resume").exits(0);
    reaches(&mut client, &id, JobState::Running).await;
    let [path, away] = ["data/artifacts", "away"].map(|name| case.file(name));
    fs::rename(&path, &away).unwrap();
    signal("CONT", worker);
    // Its verification finds nothing.
    reaches(&mut client, &id, JobState::Received).await;
    fs::rename(&away, &path).unwrap();
    let job = wait(&mut client, &id).await;
    let ended = (job.state(), job.failed_attempts);
    assert_eq!(ended, (JobState::Succeeded, 0), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_scratch_folder_is_made_anew() {
    let case = Folder::with_case("plain/fib_2p9");
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let scratch = case.file("data/scratch");
    for empty in [true, false] {
        fs::remove_dir_all(&scratch).unwrap();
        if empty {
            fs::create_dir(&scratch).unwrap();
        }
        let id = submit(&mut client, spec.clone()).await.id;
        let job = wait(&mut client, &id).await;
        let ended = (job.state(), job.failed_attempts);
        assert_eq!(ended, (JobState::Succeeded, 0), "{job:?}");
    }
}
