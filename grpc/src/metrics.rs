//! What operators see, in Prometheus' format.

use crate::protocol::{Failure, FailureClass, JobState, PhaseTime};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    state: String,
    class: String,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InPhase {
    phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OnDevice {
    device: String,
}

/// What the queue and the devices are like now.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs on devices or in verification.
    pub proving: usize,
    /// For how long the oldest waits.
    pub oldest: Duration,
    /// Devices: name, whether its worker is ready, times that it was started.
    pub devices: Vec<(String, bool, u32)>,
}

/// The metrics.
pub struct Metrics {
    registry: Registry,
    ended: Family<Ended, Counter>,
    attempts_failed: Family<Ended, Counter>,
    phases: Family<InPhase, Histogram>,
    device_peak: Family<InPhase, Gauge>,
    slack: Histogram,
    waiting: Gauge,
    proving: Gauge,
    oldest: Gauge<f64, AtomicU64>,
    ready: Family<OnDevice, Gauge>,
    starts: Family<OnDevice, Gauge>,
}

fn seconds() -> Histogram {
    // 10 ms to about 3 hours.
    Histogram::new(exponential_buckets(0.01, 2.0, 20))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("quarry"),
            ended: Family::default(),
            attempts_failed: Family::default(),
            phases: Family::new_with_constructor(seconds),
            device_peak: Family::default(),
            slack: seconds(),
            waiting: Gauge::default(),
            proving: Gauge::default(),
            oldest: Gauge::default(),
            ready: Family::default(),
            starts: Family::default(),
        };
        let r = &mut metrics.registry;
        r.register("jobs_ended", "Jobs that have ended", metrics.ended.clone());
        r.register(
            "attempts_failed",
            "Attempts that failed",
            metrics.attempts_failed.clone(),
        );
        let phases = metrics.phases.clone();
        r.register_with_unit("phase", "Time of a phase of proving", Unit::Seconds, phases);
        let peak = metrics.device_peak.clone();
        r.register_with_unit(
            "device_memory_peak",
            "Device memory of the last proof",
            Unit::Bytes,
            peak,
        );
        let slack = metrics.slack.clone();
        r.register_with_unit("deadline_slack", "Time left at the end", Unit::Seconds, slack);
        r.register("queue_depth", "Jobs that wait", metrics.waiting.clone());
        r.register(
            "jobs_proving",
            "Jobs on devices or in verification",
            metrics.proving.clone(),
        );
        let oldest = metrics.oldest.clone();
        r.register_with_unit(
            "queue_oldest_age",
            "How long the oldest job waits",
            Unit::Seconds,
            oldest,
        );
        r.register(
            "device_ready",
            "Whether the device's worker is ready",
            metrics.ready.clone(),
        );
        r.register(
            "worker_starts",
            "Times that a worker was started",
            metrics.starts.clone(),
        );
        metrics
    }
}

fn labels(state: JobState, failure: Option<&Failure>) -> Ended {
    let class = failure.map_or(FailureClass::Unspecified, Failure::class);
    Ended {
        state: state.name(),
        class: class
            .as_str_name()
            .trim_start_matches("FAILURE_CLASS_")
            .to_ascii_lowercase(),
        code: failure.map_or(String::new(), |failure| failure.code.clone()),
    }
}

impl Metrics {
    /// A job has ended; so much time was left to its deadline, if it had one.
    pub fn job_ended(&self, state: JobState, failure: Option<&Failure>, slack: Option<Duration>) {
        self.ended.get_or_create(&labels(state, failure)).inc();
        if let Some(slack) = slack {
            self.slack.observe(slack.as_secs_f64());
        }
    }

    /// An attempt failed.
    pub fn attempt_failed(&self, failure: &Failure) {
        self.attempts_failed
            .get_or_create(&labels(JobState::Running, Some(failure)))
            .inc();
    }

    /// A proof was made.
    pub fn proved(&self, phases: &[PhaseTime]) {
        for phase in phases {
            let label = InPhase {
                phase: phase.phase.clone(),
            };
            let time = phase.time.unwrap_or_default();
            let seconds = time.seconds as f64 + f64::from(time.nanos) / 1e9;
            self.phases.get_or_create(&label).observe(seconds);
            let peak = i64::try_from(phase.device_peak_bytes).unwrap_or(i64::MAX);
            self.device_peak.get_or_create(&label).set(peak);
        }
    }

    /// The page, for the load as it is now.
    pub fn page(&self, load: &Load) -> String {
        self.waiting.set(load.waiting as i64);
        self.proving.set(load.proving as i64);
        self.oldest.set(load.oldest.as_secs_f64());
        for (device, ready, starts) in &load.devices {
            let label = OnDevice {
                device: device.clone(),
            };
            self.ready.get_or_create(&label).set(i64::from(*ready));
            self.starts.get_or_create(&label).set(i64::from(*starts));
        }
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }
}
