//! Processes that make no progress.

use super::{Attempt, Register, class_name};
use crate::pulse::{Process, Silence};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use quarry_client::protocol::FailureClass;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

/// Classes and codes of attempts that failed because a process made no progress.
const FAILURES: [(FailureClass, &str); 2] = [
    (FailureClass::Device, "worker.stalled"),
    (FailureClass::Internal, "child.stalled"),
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfProcess {
    process: String,
}

/// Gauges of the processes' progress.
pub struct StallMetrics {
    time: Family<OfProcess, Gauge<f64, AtomicU64>>,
    limit: Family<OfProcess, Gauge<f64, AtomicU64>>,
}

impl StallMetrics {
    /// Registers the gauges.
    pub fn register(r: &mut Register) -> Self {
        Self {
            time: r.of_unit(
                "stall",
                Unit::Seconds,
                "Time since the last progress of the device's worker, or of the children that are watched",
                Family::default(),
            ),
            limit: r.of_unit(
                "max_stall",
                Unit::Seconds,
                "Time without progress after which the process is ended",
                Family::default(),
            ),
        }
    }

    /// Creates the failures of stalled attempts at zero.
    pub fn begin_at_zero(attempts_failed: &Family<Attempt, Counter>) {
        for (class, code) in FAILURES {
            let labels = Attempt {
                class: class_name(class),
                code: code.to_owned(),
                retryable: true.to_string(),
            };
            drop(attempts_failed.get_or_create(&labels));
        }
    }

    /// Shows of each device, and of all children together, the process that is nearest to its end.
    pub fn show(&self, silences: &[Silence]) {
        self.time.clear();
        self.limit.clear();
        let mut shown = BTreeMap::new();
        for silence in silences {
            let process = match &silence.process {
                Process::Worker(device) => device.clone(),
                Process::Child => "child".to_owned(),
            };
            let (time, limit) = (silence.time.as_secs_f64(), silence.limit.as_secs_f64());
            let most = shown.entry(process).or_insert((time, limit));
            if time * most.1 > most.0 * limit {
                *most = (time, limit);
            }
        }
        for (process, (time, limit)) in shown {
            let labels = OfProcess { process };
            self.time.get_or_create(&labels).set(time);
            self.limit.get_or_create(&labels).set(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::{Load, Metrics};
    use crate::pulse::{Process, Silence};
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn the_process_that_is_nearest_to_its_end_is_shown() {
        let silence = |process: &Process, time, limit| Silence {
            process: process.clone(),
            time: Duration::from_secs(time),
            limit: Duration::from_secs(limit),
        };
        let cpu = Process::Worker("cpu".to_owned());
        let metrics = Metrics::new(true);
        let load = Load {
            silences: vec![
                silence(&Process::Child, 3, 300),
                silence(&cpu, 50, 100),
                silence(&cpu, 60, 600),
                silence(&Process::Child, 30, 300),
            ],
            ..Load::default()
        };
        let page = metrics.page(&load, &BTreeMap::new(), true);
        for line in [
            "quarry_stall_seconds{process=\"cpu\"} 50.0",
            "quarry_max_stall_seconds{process=\"cpu\"} 100.0",
            "quarry_stall_seconds{process=\"child\"} 30.0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}: {page}");
        }
        let after = metrics.page(&Load::default(), &BTreeMap::new(), true);
        assert!(
            !after.contains("quarry_stall_seconds{"),
            "they have ended: {after}"
        );
        let none = "code=\"worker.stalled\",retryable=\"true\"} 0";
        assert!(after.contains(none), "{after}");
    }
}
