//! What is seen of the work from outside.

use super::Scheduler;
use crate::metrics::Load;
use crate::protocol::DeviceInfo;
use crate::store::Listing;
use std::time::Duration;
use tokio::sync::watch;

impl Scheduler {
    /// The devices.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.state().devices.clone()
    }

    /// What the queue and the devices are like now.
    fn load(&self) -> Load {
        let state = self.state();
        let oldest = state
            .waiting
            .oldest()
            .into_iter()
            .chain(state.ready.oldest())
            .min();
        let device = |info: &DeviceInfo| (info.name.clone(), !info.description.is_empty(), info.starts);
        Load {
            waiting: state.waiting.len() + state.ready.len() + state.preparing,
            proving: state.proving,
            oldest: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
            devices: state.devices.iter().map(device).collect(),
        }
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
        let is_ready = |(_, ready, _): &(String, bool, u32)| *ready;
        if !self.load().devices.iter().any(is_ready) {
            reasons.push("no device has a worker that is ready".to_owned());
        }
        let nothing = Listing {
            page_size: 1,
            ..Listing::default()
        };
        if let Err(error) = self.with_store(move |store| store.list(&nothing)).await {
            reasons.push(format!("the store cannot be read: {error}"));
        }
        reasons
    }

    /// Share of a job's proving that is done, if it is on a device.
    pub fn progress(&self, id: &str) -> Option<f64> {
        self.state().active.get(id).map(|active| active.progress)
    }

    /// Tells of every new event by the latest cursor.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.last_event.subscribe()
    }
}
