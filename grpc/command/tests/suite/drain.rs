//! The end of the service does not throw a long proof away, and that of the machine costs a job nothing.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, signal, slow_job, submit, until, wait};
use quarry_client::protocol::JobState;
use quarry_service::store::{JobStore, RedbStore};
use serde_json::Value;
use std::time::Duration;

/// Once a proof has told a pace, a drain expects an end of the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_told_its_longest_time() {
    let folder = Folder::with_case("plain/fib_2p9");
    folder.write("quarry.toml", "drain_seconds = 5\n");
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = service.client().await;
    let first = air_job(&mut client, &folder, "blake").await;
    let first = submit(&mut client, first).await.id;
    assert_eq!(wait(&mut client, &first).await.state(), JobState::Succeeded);
    let spec = long_job(&mut client, 1 << 12).await;
    let id = submit(&mut client, spec).await.id;
    while client.get(&id).await.unwrap().state() != JobState::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    signal("TERM", service.id());
    let seconds = until("the wait", || {
        let log = service.log();
        let line = log
            .lines()
            .find(|line| line.contains("waiting for proofs on devices"))?;
        let event: Value = serde_json::from_str(line).unwrap();
        event["fields"]["at_most_seconds"].as_u64()
    });
    assert!((5..3600).contains(&seconds), "{seconds}");
}

/// State of a job on a device, in the store, after the service was told to stop.
async fn state_after_a_drain(config: &str) -> JobState {
    let folder = Folder::new();
    folder.write("quarry.toml", config);
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 12).await;
    let id = submit(&mut client, spec).await.id;
    while client.get(&id).await.unwrap().state() != JobState::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(service.terminate().code(), Some(0));
    let store = RedbStore::open(&folder.file("data/store.redb")).unwrap();
    store.get(&id).unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_a_long_proof() {
    let state = state_after_a_drain("drain_seconds = 0\n").await;
    assert_eq!(state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_bounded() {
    let state = state_after_a_drain("drain_seconds = 0\nmax_drain_seconds = 0\n").await;
    assert_eq!(state, JobState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_of_the_machine_costs_no_attempt() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let spec = slow_job(&mut client, &folder).await;
    let id = submit(&mut client, spec).await.id;
    let mut stopped = Vec::new();
    // More often than a job has attempts.
    for _ in 0..4 {
        let child = until("another child", || {
            let children = service.processes("child");
            children.into_iter().find(|child| !stopped.contains(child))
        });
        signal("TERM", child);
        stopped.push(child);
    }
    until("one more child", || {
        let children = service.processes("child");
        children.into_iter().find(|child| !stopped.contains(child))
    });
    let job = client.get(&id).await.unwrap();
    assert!(!job.state().has_ended() && job.failed_attempts == 0, "{job:?}");
    client.cancel(&id).await.unwrap();
}
