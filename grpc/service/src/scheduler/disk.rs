//! Watches the data's disk and the store on it in the background. A caller who asks for its figures gets
//! the last known ones, also while the disk hangs or the store fails.

use super::{STORE_PAUSE, Scheduler, Settings, blocking};
use crate::store::StoreError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interval between two readings of the free space and the store's size.
const LOOK: Duration = Duration::from_secs(1);
/// Pause between two walks through the artifacts, and how many times longer than the last walk it is at least: a walk
/// through many files takes a while, and must not keep the disk busy.
const MIN_WALK_PAUSE: Duration = Duration::from_secs(10);
const WALK_SHARE: u32 = 20;

/// Figures of the data's disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskFigures {
    /// Free space.
    pub free: u64,
    /// Size of the store's file.
    pub store: u64,
    /// Size of all artifacts.
    pub artifacts: u64,
}

/// The last known figures of the data's disk.
pub(super) struct Disk {
    /// A folder on the disk.
    folder: PathBuf,
    store_file: PathBuf,
    artifacts: PathBuf,
    known: Mutex<DiskFigures>,
}

impl Disk {
    /// Reads the figures for the first time, but for the size of the artifacts.
    pub(super) fn new(settings: &Settings) -> Self {
        let disk = Self {
            folder: settings.scratch.clone(),
            store_file: settings.store_file.clone(),
            artifacts: settings.artifacts.clone(),
            known: Mutex::default(),
        };
        disk.look();
        disk
    }

    /// The last known figures.
    pub(super) fn figures(&self) -> DiskFigures {
        *self.known()
    }

    /// Reads the free space and the store's size. One that cannot be read stays as it was.
    fn look(&self) {
        let disk = rustix::fs::statvfs(&self.folder);
        let store = self.store_file.metadata();
        let mut known = self.known();
        if let Ok(disk) = disk {
            known.free = disk.f_bavail.saturating_mul(disk.f_frsize);
        }
        if let Ok(file) = store {
            known.store = file.len();
        }
    }

    /// Adds up the artifacts. If the folder cannot be read, the size stays as it was.
    fn walk(&self) {
        match size_of(&self.artifacts) {
            Ok(size) => self.known().artifacts = size,
            Err(why) => tracing::debug!(%why, "cannot add up the artifacts"),
        }
    }

    fn known(&self) -> MutexGuard<'_, DiskFigures> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of all files in a folder. Files and folders that vanish meanwhile count for nothing.
fn size_of(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(file) if file.is_dir() => open.push(entry.path()),
                Ok(file) => size += file.len(),
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => return Err(why),
            }
        }
    }
    Ok(size)
}

impl Scheduler {
    /// Reads the free space and the store's size, and looks whether the data is in its place, forever.
    pub(super) async fn watch_disk(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let scheduler = Arc::clone(&self);
            blocking(move || {
                scheduler.disk.look();
                // What fails is logged, and told by the state.
                let _ = scheduler.look_for_data();
            })
            .await;
        }
    }

    /// Fails unless the store and the artifacts are still where they were opened. Then the store counts as failing.
    pub(super) fn look_for_data(&self) -> Result<(), StoreError> {
        let store = self.store.check_place().map_err(|why| why.to_string());
        let in_place = store.and_then(|()| self.artifacts.check_place().map_err(|why| why.to_string()));
        let Err(why) = in_place else {
            return Ok(());
        };
        let before = self.state().store_failed.replace(why.clone());
        if before.as_ref() != Some(&why) {
            tracing::error!(why, "the data is not in its place: no job is accepted or started");
        }
        Err(StoreError::Io(why))
    }

    /// Adds up the artifacts, forever.
    pub(super) async fn watch_artifacts(self: Arc<Self>) {
        loop {
            let begin = Instant::now();
            let scheduler = Arc::clone(&self);
            blocking(move || scheduler.disk.walk()).await;
            tokio::time::sleep(MIN_WALK_PAUSE.max(WALK_SHARE * begin.elapsed())).await;
        }
    }

    /// Probes the store while it fails; once it works, admits what it recorded although it reported an error. While its
    /// operations succeed, no probe is needed.
    pub(super) async fn watch_store(self: Arc<Self>) {
        loop {
            tokio::time::sleep(STORE_PAUSE).await;
            if self.state().store_failed.is_none() {
                continue;
            }
            let scheduler = Arc::clone(&self);
            if blocking(move || scheduler.look_for_data()).await.is_ok()
                && self.with_store(|store| store.probe()).await.is_ok()
                && self.admit_unknown().await.is_ok()
            {
                self.state().store_failed = None;
                tracing::info!("the store works again");
                self.wake.notify_waiters();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_waits_neither_for_a_failing_store_nor_for_a_submission() {
        let folder = tempfile::tempdir().unwrap();
        let settings = testing::settings(folder.path());
        let scheduler = testing::start(settings).await;
        let submission = scheduler.admitting.lock().await;
        scheduler.state().store_failed = Some("the fault of this test".to_owned());
        // No task that waits for the store locks the state, so both answer at once.
        let page = scheduler.metrics_page();
        assert!(
            page.contains("quarry_store_failing 1\n") && page.contains("quarry_ready 0\n"),
            "{page}"
        );
        let reasons = scheduler.why_not_ready().join("\n");
        assert!(reasons.contains("the fault of this test"), "{reasons}");
        // The store is found to work without anybody asking.
        drop(submission);
        let works = async {
            while scheduler.state().store_failed.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let works = tokio::time::timeout(Duration::from_secs(60), works).await;
        works.expect("the store works again");
        assert!(scheduler.metrics_page().contains("quarry_store_failing 0\n"));
    }

    #[test]
    fn all_files_count_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(size_of(&folder.path().join("no_folder")).unwrap(), 0);
        let inner = folder.path().join("tenant/objects");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("one"), [0; 100]).unwrap();
        fs::write(folder.path().join("two"), [0; 20]).unwrap();
        assert_eq!(size_of(folder.path()).unwrap(), 120);
    }
}
