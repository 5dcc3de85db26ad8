//! What tests of the scheduler share.

use super::{Retention, Scheduler, Settings};
use crate::artifacts::ArtifactFolder;
use crate::config::DayLimits;
use crate::store::RedbStore;
use quarry_client::protocol::Limits;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Settings of a scheduler in a folder. Jobs are prepared for one device. Its worker never starts: this program is a
/// test.
pub(super) fn settings(folder: &Path) -> Settings {
    Settings {
        scratch: folder.join("scratch"),
        store_file: folder.join("store.redb"),
        artifacts: folder.join("artifacts"),
        names_tenants: true,
        pause_file: folder.join("paused"),
        devices: vec!["cpu".to_owned()],
        limits: Limits::default(),
        day_limits: DayLimits::default(),
        max_file_bytes: 1 << 20,
        min_free_bytes: 0,
        max_queued_jobs: 10,
        max_attempts: 2,
        max_stall: Duration::MAX,
        retention: Retention {
            unreferenced: Duration::MAX,
            inputs: Duration::MAX,
            jobs: Duration::MAX,
        },
        doubt: Duration::ZERO,
    }
}

/// Starts a scheduler with its store and artifacts on the disk.
pub(super) async fn start(settings: Settings) -> Arc<Scheduler> {
    let store = RedbStore::open(&settings.store_file).unwrap();
    let artifacts = ArtifactFolder::open(&settings.artifacts, 0, u64::MAX).unwrap();
    let started = Scheduler::start(settings, Arc::new(store), Arc::new(artifacts)).await;
    started.unwrap()
}
