//! What the service's own process takes: memory and file descriptors.

use super::Register;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Gauges of the service's own process, without its workers and children.
pub struct ProcessMetrics {
    memory: Gauge,
    open_descriptors: Gauge,
    max_descriptors: Gauge,
}

impl ProcessMetrics {
    /// Registers the gauges.
    pub fn register(r: &mut Register) -> Self {
        Self {
            memory: r.of_unit(
                "process_resident_memory",
                Unit::Bytes,
                "Resident memory of the service, without its workers",
                Gauge::default(),
            ),
            open_descriptors: r.add(
                "process_open_descriptors",
                "Open file descriptors of the service",
                Gauge::default(),
            ),
            max_descriptors: r.add(
                "process_max_descriptors",
                "File descriptors that the service may open",
                Gauge::default(),
            ),
        }
    }

    /// Reads the current values. One that cannot be read stays as it was.
    pub fn look(&self) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let status = fs::read_to_string("/proc/self/status");
        if let Some(bytes) = status.ok().and_then(|status| resident(&status)) {
            self.memory.set(gauge(bytes));
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The descriptor of the folder itself is one of them.
            self.open_descriptors
                .set(gauge(open.count().saturating_sub(1) as u64));
        }
        let most = getrlimit(Resource::Nofile).current;
        self.max_descriptors.set(most.map_or(i64::MAX, gauge));
    }
}

/// Resident bytes in the text of `/proc/self/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(resident("VmSize:\t 9 kB\nVmRSS:\t  12 kB\n"), Some(12 << 10));
        assert_eq!(resident("VmRSS:\t x kB\n"), None);
        assert_eq!(resident(""), None);
    }
}
