//! The end of the service does not throw a long proof away.

use crate::common::Folder;
use crate::common::appliance::{Appliance, long_job, submit};
use quarry_client::protocol::JobState;
use quarry_service::store::{JobStore, RedbStore};

/// State of a job on a device, in the store, after the service was told to stop.
async fn state_after_a_drain(config: &str) -> JobState {
    let folder = Folder::new();
    folder.write("quarry.toml", config);
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 12).await;
    let id = submit(&mut client, spec).await.id;
    while client.get(&id).await.unwrap().state() != JobState::Running {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
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
