//! Read access to the scheduler's state.

use super::queue::Entry;
use super::{MIN_DISK, Scheduler};
use crate::artifacts::ORDINARY_UPLOAD_BYTES;
use crate::job::Job;
use crate::metrics::{DeviceLoad, Load, TenantLoad};
use quarry_client::protocol::DeviceInfo;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

impl Scheduler {
    /// Information about all devices.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.state().devices.clone()
    }

    /// [`Scheduler::devices`] without the jobs of tenants that may not be seen.
    pub fn devices_for(&self, may_see: impl Fn(&str) -> bool) -> Vec<DeviceInfo> {
        let state = self.state();
        let mut devices = state.devices.clone();
        for device in &mut devices {
            let job = state.active.get(&device.job_id);
            if !job.is_some_and(|job| may_see(&job.tenant)) {
                device.job_id.clear();
            }
        }
        devices
    }

    /// Current load of the queue and the devices.
    pub fn load(&self) -> Load {
        let disk = self.disk.figures();
        let is_paused = self.paused().is_some();
        let state = self.state();
        let held = self.held(&state);
        // What waits for another day is not late.
        let in_time = |entry: &&Entry| match state.active.get(&entry.id) {
            Some(active) => !held.keeps(&entry.id, active),
            None => true,
        };
        let waiting = state.waiting.iter().chain(state.ready.iter());
        let oldest = waiting.filter(in_time).map(|entry| entry.since).min();
        let device = |info: &DeviceInfo| DeviceLoad {
            name: info.name.clone(),
            is_ready: !info.description.is_empty(),
            is_fallback: !info.note.is_empty(),
        };
        Load {
            waiting: state.waiting.len() + state.ready.len() + state.preparing.taken(),
            proving: state.proving.taken(),
            oldest: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
            devices: state.devices.iter().map(device).collect(),
            silences: self.pulses.silences(),
            is_paused,
            is_store_failing: state.store_failed.is_some(),
            store_size: disk.store,
            disk_free: disk.free,
            disk_watermark: self.settings.min_free_bytes,
            artifacts_size: disk.artifacts,
        }
    }

    /// The jobs of each tenant that have not ended.
    fn tenant_loads(&self) -> BTreeMap<String, TenantLoad> {
        let mut loads: BTreeMap<String, TenantLoad> = BTreeMap::new();
        for active in self.state().active.values() {
            let load = loads.entry(active.tenant.clone()).or_default();
            match active.summary.is_proving() {
                true => load.proving += 1,
                false => load.waiting += 1,
            }
        }
        loads
    }

    /// Reason of the current pause; `None` if not paused.
    pub fn paused(&self) -> Option<String> {
        self.pause.reason()
    }

    /// Renders the metrics as OpenMetrics text.
    pub fn metrics_page(&self) -> String {
        let is_ready = self.why_not_ready().is_empty();
        self.metrics.page(&self.load(), &self.tenant_loads(), is_ready)
    }

    /// Reasons why jobs are currently not accepted or not proved; empty if ready.
    pub fn why_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push("the service is draining".to_owned());
        }
        if let Some(reason) = self.paused() {
            reasons.push(format!("an operator has paused the devices: {reason}"));
        }
        let load = self.load();
        let hung = self.hung_devices();
        let is_usable = |device: &DeviceLoad| device.is_ready && !hung.contains_key(&device.name);
        if !load.devices.iter().any(is_usable) {
            let devices = self.devices();
            let why = devices.iter().map(|info| {
                let how = hung.get(&info.name).unwrap_or(&info.note);
                match &**how {
                    "" => format!("{}: its worker is starting", info.name),
                    how => format!("{}: {how}", info.name),
                }
            });
            let why: Vec<_> = why.collect();
            reasons.push(format!("no device has a ready worker: {}", why.join("; ")));
        }
        let n_waiting = {
            let state = self.state();
            state.n_queued(&self.held(&state))
        };
        if n_waiting >= self.settings.max_queued_jobs {
            reasons.push(format!("the queue is full: {n_waiting} jobs are waiting"));
        }
        reasons.extend(disk_reasons(load.disk_free, load.disk_watermark));
        reasons.extend(self.state().store_failed.clone());
        reasons
    }

    /// Fraction of a job's proving that is done, if the job is active.
    pub fn progress(&self, id: &str) -> Option<f64> {
        self.state().active.get(id).map(|active| active.progress)
    }

    /// Subscribes to job changes.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Job>> {
        self.announcer.changes()
    }

    /// Subscribes to the cursor of the latest event.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.announcer.events()
    }

    /// Subscribes to the cursor of the latest event of a job.
    pub fn events_of(&self, job: &str) -> watch::Receiver<u64> {
        self.announcer.events_of(job)
    }
}

/// What cannot be done with this free disk space.
fn disk_reasons(free: u64, watermark: u64) -> impl Iterator<Item = String> {
    let bounds = [
        (
            watermark.saturating_add(ORDINARY_UPLOAD_BYTES),
            format!("uploads of {} MiB are rejected", ORDINARY_UPLOAD_BYTES >> 20),
        ),
        (MIN_DISK, "no job is started".to_owned()),
    ];
    let short = bounds.into_iter().filter(move |(bound, _)| free < *bound);
    short.map(move |(bound, effect)| format!("the disk has {free} bytes free, less than {bound}: {effect}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job;
    use crate::pulse::Process;
    use crate::scheduler::{Active, testing};

    #[tokio::test]
    async fn a_device_that_hangs_matters_if_no_other_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = testing::settings(folder.path());
        settings.devices = vec!["a".to_owned(), "b".to_owned()];
        let scheduler = testing::start(settings).await;
        // From here on nothing else runs, since nothing is awaited.
        for device in &mut scheduler.state().devices {
            device.description = "a device".to_owned();
        }
        let no_device = || {
            let mut reasons = scheduler.why_not_ready().into_iter();
            reasons.find(|reason| reason.contains("no device"))
        };
        let hang = |device: &str| {
            let watched = Process::Worker(device.to_owned());
            let pulse = scheduler.pulses.begin(watched, Duration::ZERO);
            std::thread::sleep(Duration::from_millis(1));
            pulse
        };
        let _a = hang("a");
        assert_eq!(no_device(), None);
        let _b = hang("b");
        let reason = no_device().unwrap();
        for device in ["a", "b"] {
            let how = format!("{device}: its worker has made no progress");
            assert!(reason.contains(&how), "{reason}");
        }
    }

    #[tokio::test]
    async fn a_tenant_does_not_see_the_jobs_of_others_on_devices() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = testing::start(testing::settings(folder.path())).await;
        let active = Active::of(&job::example("a"));
        {
            let mut state = scheduler.state();
            state.active.insert("job".to_owned(), active);
            "job".clone_into(&mut state.devices[0].job_id);
        }
        let job = |tenant| scheduler.devices_for(|of| of == tenant)[0].job_id.clone();
        assert_eq!((&*job("a"), &*job("b")), ("job", ""));
    }

    #[test]
    fn a_short_disk_is_told_whatever_the_watermark() {
        let reasons = |free, watermark| disk_reasons(free, watermark).collect::<Vec<_>>().join("\n");
        assert_eq!(reasons(MIN_DISK, 0), "");
        let no_job = reasons(MIN_DISK - 1, 0);
        assert!(
            no_job.contains("no job is started") && !no_job.contains("uploads"),
            "{no_job}"
        );
        assert_eq!(reasons((1 << 30) + ORDINARY_UPLOAD_BYTES, 1 << 30), "");
        // Above the watermark, but an upload of ordinary size would be refused.
        let no_upload = reasons((1 << 30) + ORDINARY_UPLOAD_BYTES - 1, 1 << 30);
        assert!(no_upload.contains("uploads"), "{no_upload}");
        let no_upload = reasons(MIN_DISK, 1 << 30);
        assert!(
            no_upload.contains("uploads of 16 MiB are rejected") && !no_upload.contains("job"),
            "{no_upload}"
        );
        assert_eq!(reasons(0, 1 << 30).lines().count(), 2);
    }
}
