//! The devices and their workers.

use super::labels::OnDevice;
use super::{Register, Unit};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// A device, as metrics show it.
#[derive(Clone, Debug)]
pub struct DeviceLoad {
    /// Its name in the configuration.
    pub name: String,
    /// Whether its worker is ready.
    pub is_ready: bool,
    /// Whether its worker proves on the CPU because no GPU is usable.
    pub is_fallback: bool,
}

/// Metrics of the devices.
pub struct DeviceMetrics {
    ready: Family<OnDevice, Gauge>,
    on_fallback: Family<OnDevice, Gauge>,
    starts: Family<OnDevice, Counter>,
    fallbacks: Family<OnDevice, Counter>,
    busy: Family<OnDevice, Counter<f64, AtomicU64>>,
}

impl DeviceMetrics {
    /// Registers the metrics.
    pub fn register(r: &mut Register) -> Self {
        Self {
            on_fallback: r.add(
                "device_fallback",
                "Workers of the device that prove on the CPU because no GPU is usable",
                Family::default(),
            ),
            ready: r.add("device_ready", "Ready workers of the device", Family::default()),
            starts: r.add("worker_starts", "Number of worker starts", Family::default()),
            fallbacks: r.add(
                "device_fallbacks",
                "Worker starts that fell back to the CPU because no GPU was usable",
                Family::default(),
            ),
            busy: r.of_unit(
                "device_busy",
                Unit::Seconds,
                "Time that devices spent on jobs",
                Family::default(),
            ),
        }
    }

    /// Counts a worker start; `is_fallback` if device `auto` fell back to the CPU.
    pub fn worker_started(&self, name: &str, is_fallback: bool) {
        self.starts.get_or_create(&device(name)).inc();
        let fallbacks = self.fallbacks.get_or_create(&device(name));
        fallbacks.inc_by(u64::from(is_fallback));
    }

    /// Adds the time that a device spent on a job.
    pub fn was_busy(&self, name: &str, time: Duration) {
        self.busy.get_or_create(&device(name)).inc_by(time.as_secs_f64());
    }

    /// Shows which workers are ready.
    pub fn show(&self, devices: &[DeviceLoad]) {
        for DeviceLoad { name, .. } in devices {
            // Several devices may have the same name.
            let ready = || (devices.iter()).filter(|other| other.name == *name && other.is_ready);
            self.ready
                .get_or_create(&device(name))
                .set(ready().count() as i64);
            let on_fallback = ready().filter(|other| other.is_fallback).count();
            self.on_fallback
                .get_or_create(&device(name))
                .set(on_fallback as i64);
        }
    }
}

fn device(name: &str) -> OnDevice {
    OnDevice {
        device: name.to_owned(),
    }
}
