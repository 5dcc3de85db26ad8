//! The data folder: its disk, the store and the files.

use super::{Load, Register, Unit};
use prometheus_client::metrics::gauge::Gauge;

/// Gauges of the data folder.
pub struct DataMetrics {
    disk_free: Gauge,
    disk_watermark: Gauge,
    store_size: Gauge,
    is_store_failing: Gauge,
    artifacts_size: Gauge,
}

impl DataMetrics {
    /// Registers the gauges.
    pub fn register(r: &mut Register) -> Self {
        let mut bytes = |name, help| r.of_unit(name, Unit::Bytes, help, Gauge::default());
        Self {
            disk_free: bytes("disk_free", "Free bytes of the data's disk"),
            disk_watermark: bytes("disk_watermark", "Bytes of the disk that uploads leave free"),
            store_size: bytes("store_size", "Size of the store's file"),
            artifacts_size: bytes("artifacts_size", "Size of all artifacts"),
            is_store_failing: r.add(
                "store_failing",
                "1 while the store fails, else 0",
                Gauge::default(),
            ),
        }
    }

    /// Shows the current figures.
    pub fn show(&self, load: &Load) {
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.disk_free.set(gauge(load.disk_free));
        self.disk_watermark.set(gauge(load.disk_watermark));
        self.store_size.set(gauge(load.store_size));
        self.artifacts_size.set(gauge(load.artifacts_size));
        self.is_store_failing.set(i64::from(load.is_store_failing));
    }
}
