//! The clock changes while the service runs (libfaketime): only what depends on wall-clock time may follow it.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, submit, until, wait};
use crate::tenants::{stay_within_a_day, tenant};
use quarry_client::protocol::{FailureClass, JobSpec, JobState, ListJobsRequest, WatchJobsRequest};
use std::fs;
use std::time::{Duration, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

/// Library of Debian's package `libfaketime`.
fn library() -> String {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let mut paths = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let path = paths
        .find(|path| path.is_file())
        .expect("libfaketime is installed");
    path.display().to_string()
}

fn start(folder: &Folder) -> Appliance {
    start_with(folder, &[])
}

fn start_with(folder: &Folder, more: &[&str]) -> Appliance {
    let preload = format!("LD_PRELOAD={}", library());
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", folder.file("clock").display());
    let env = [
        &*preload,
        &*file,
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ];
    Appliance::start_by(folder, "env", &[&env[..], more].concat())
}

/// Sets the clock to an offset in hours from the real one.
fn set(folder: &Folder, hours: i64) {
    folder.write("clock.new", format!("{hours:+}h\n"));
    fs::rename(folder.file("clock.new"), folder.file("clock")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_harms_no_job_without_a_deadline() {
    let case = Folder::with_case(PLAIN);
    set(&case, 0);
    let service = start(&case);
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 13).await;
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    let due = JobSpec {
        deadline: Some(in_an_hour.into()),
        ..spec.clone()
    };
    let running = submit(&mut client, spec).await.id;
    let due = submit(&mut client, due).await.id;

    set(&case, 2);
    let job = wait(&mut client, &due).await;
    let failure = job.failure.clone().unwrap_or_default();
    assert_eq!(
        (job.state(), failure.class(), &*failure.code),
        (JobState::Expired, FailureClass::Deadline, "job.deadline"),
        "{job:?}"
    );
    assert_eq!(wait(&mut client, &running).await.state(), JobState::Succeeded);

    set(&case, -24);
    let again = JobSpec {
        deadline: Some(in_an_hour.into()),
        ..air_job(&mut client, &case, "blake").await
    };
    let again = submit(&mut client, again).await.id;
    assert_eq!(wait(&mut client, &again).await.state(), JobState::Succeeded);
    assert_eq!(service.page("/healthz").0, 200);
    let mut events = client.watch(WatchJobsRequest::default()).await.unwrap();
    let mut last = 0;
    while last < client.get(&again).await.unwrap().last_event {
        let event = events.message().await.unwrap().unwrap();
        assert!(event.cursor > last, "{event:?}");
        last = event.cursor;
    }
    drop(service);

    // A start with the clock a day before the store's latest entry.
    let service = start(&case);
    let mut client = service.client().await;
    let jobs = client.list(ListJobsRequest::default()).await.unwrap().jobs;
    assert_eq!(jobs.len(), 3);
    for job in &jobs {
        let time = |at: &Option<prost_types::Timestamp>| at.map(|at| (at.seconds, at.nanos));
        assert!(time(&job.created_at) <= time(&job.updated_at), "{job:?}");
    }
    for id in [running, again] {
        let proof = client.result(&id).await.unwrap().proof.unwrap();
        client.download(&proof, &case.file("proof.json")).await.unwrap();
    }
    until("readiness", || (service.page("/readyz").0 == 200).then_some(()));
}

/// A machine that lost its power may start with a wrong clock. It must not remove jobs as too old.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_after_a_crash_removes_nothing() {
    let case = Folder::with_case(PLAIN);
    set(&case, 0);
    let service = start(&case);
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let ended = submit(&mut client, spec).await.id;
    assert_eq!(wait(&mut client, &ended).await.state(), JobState::Succeeded);
    // A job that has not ended is begun anew, and so looks new.
    let running = long_job(&mut client, 1 << 18).await;
    let running = submit(&mut client, running).await.id;
    drop(service);

    set(&case, 400 * 24);
    // Nor does a restart within the hour.
    for _ in 0..2 {
        let service = start(&case);
        let mut client = service.client().await;
        until("the doubt", || {
            service.log().contains("collection is off").then_some(())
        });
        assert_eq!(client.get(&ended).await.unwrap().state(), JobState::Succeeded);
        client.get(&running).await.unwrap();
    }
}

/// What waits for the next day begins at midnight, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_the_next_day_begins_then() {
    stay_within_a_day().await;
    let case = Folder::with_case(PLAIN);
    let config = |seconds: u64| {
        let limit = format!("max_device_seconds_per_day = {seconds}\n");
        case.write("quarry.toml", "[limits_per_tenant]\n".to_owned() + &limit);
    };
    let admin = |command: &str| drop(case.quarry(&format!("admin --data data {command}")).exits(0));
    set(&case, 0);
    config(1_000_000);
    let service = start_with(&case, &["QUARRY_CONFIG=quarry.toml"]);
    let mut client = service.client().await;
    let long = long_job(&mut client, 1 << 16).await;
    while tenant(&mut client).await.device_seconds_today.unwrap().used == 0 {
        let id = submit(&mut client, long.clone()).await.id;
        assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);
    }
    admin("pause so-that-the-job-waits");
    let spec = air_job(&mut client, &case, "blake").await;
    let id = submit(&mut client, spec).await.id;
    config(1);
    admin("reload");
    admin("resume");
    let by = SystemTime::now() + Duration::from_secs(120);
    while client.get(&id).await.unwrap().waits_for.is_empty() {
        assert!(SystemTime::now() < by, "{:?}", client.get(&id).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    set(&case, 24);
    let job = wait(&mut client, &id).await;
    assert_eq!((job.state(), &*job.waits_for), (JobState::Succeeded, ""));
}
