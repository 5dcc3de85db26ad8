//! What is seen of the work from outside.

use super::Scheduler;
use crate::metrics::Load;
use crate::protocol::{DeviceInfo, Job};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

impl Scheduler {
    /// The devices.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.state().devices.clone()
    }

    /// What the queue and the devices are like now.
    pub fn load(&self) -> Load {
        let state = self.state();
        let oldest = state
            .waiting
            .oldest()
            .into_iter()
            .chain(state.ready.oldest())
            .min();
        let device = |info: &DeviceInfo| (info.name.clone(), !info.description.is_empty());
        Load {
            waiting: state.waiting.len() + state.ready.len() + state.preparing,
            proving: state.proving,
            oldest: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
            devices: state.devices.iter().map(device).collect(),
            disk_free: self.disk_free(),
            disk_watermark: self.settings.min_free_bytes,
        }
    }

    /// Bytes of the data's disk that are free; none, if the disk does not say.
    pub(super) fn disk_free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.settings.scratch);
        disk.map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// The metrics, in Prometheus' format.
    pub fn metrics_page(&self) -> String {
        self.metrics.page(&self.load())
    }

    /// Why jobs are not taken or not proved now; nothing, if they are.
    pub async fn why_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push("the service is draining".to_owned());
        }
        if let Some(reason) = self.paused() {
            reasons.push(format!("an operator has paused the devices: {reason}"));
        }
        let load = self.load();
        if !load.devices.iter().any(|(_, is_ready)| *is_ready) {
            let devices = self.devices();
            let why = devices.iter().map(|info| match &*info.note {
                "" => format!("{}: its worker starts", info.name),
                note => format!("{}: {note}", info.name),
            });
            let why: Vec<_> = why.collect();
            reasons.push(format!(
                "no device has a worker that is ready: {}",
                why.join("; ")
            ));
        }
        let n_waiting = self.state().waiting.len();
        if n_waiting >= self.settings.max_queued_jobs {
            reasons.push(format!("{n_waiting} jobs wait already: no more are taken"));
        }
        let (free, watermark) = (load.disk_free, load.disk_watermark);
        if free < watermark {
            reasons.push(format!(
                "the disk has {free} bytes free, and uploads leave {watermark}: no file is taken"
            ));
        }
        // Whether it can be used again is found out by use: as long as nobody complains it is left alone.
        let failed = self.state().store_failed.clone();
        if failed.is_some() {
            match self.with_store(|store| store.probe()).await {
                Ok(()) => match self.admit_unknown().await {
                    Ok(()) => self.state().store_failed = None,
                    Err(error) => reasons.push(error.to_string()),
                },
                Err(error) => reasons.push(error.to_string()),
            }
        }
        reasons
    }

    /// Share of a job's proving that is done, if it is on a device.
    pub fn progress(&self, id: &str) -> Option<f64> {
        self.state().active.get(id).map(|active| active.progress)
    }

    /// Tells of every change of a job.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Job>> {
        self.changes.subscribe()
    }

    /// Tells of every new event by the latest cursor.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.last_event.subscribe()
    }
}
