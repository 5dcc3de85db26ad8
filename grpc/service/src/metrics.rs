//! Metrics of the service. The rules and the dashboard in `deploy/` use these names.

mod calls;
mod data;
mod devices;
mod labels;
mod process;
mod stall;
mod tenants;

pub use devices::DeviceLoad;
pub use tenants::TenantLoad;

use crate::pulse::Silence;
use calls::CallMetrics;
use data::DataMetrics;
use devices::DeviceMetrics;
use labels::{Attempt, Because, Ended, InPhase, OfClass, OfFile, OnDeviceInPhase};
use process::ProcessMetrics;
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use quarry_client::protocol::{Failure, FailureClass, JobState, PhaseTime};
use stall::StallMetrics;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tenants::TenantMetrics;
use tonic::Code;

/// Bounds of the ratio of measured to estimated time: 1 is a perfect estimate.
const RATIOS: [f64; 12] = [0.25, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 8.0];

/// Reasons for which a submission is rejected.
pub const REFUSALS: [&str; 13] = [
    "rate", "full", "quota", "priority", "late", "deadline", "paused", "draining", "reused", "block",
    "artifact", "nonce", "store",
];
/// Reasons for which an upload is rejected.
pub const UPLOAD_REFUSALS: [&str; 7] = ["streams", "busy", "disk", "quota", "slow", "invalid", "storage"];
/// Reasons for which a request fails authentication or authorization.
pub const NOT_ALLOWED: [&str; 5] = [
    "no_credentials",
    "unknown_token",
    "unknown_certificate",
    "session",
    "role",
];

/// Numbers of the protocol's enumerations; 0 is the unspecified value.
const ENUM_NUMBERS: RangeInclusive<i32> = 1..=u8::MAX as i32;

/// Current load of the queue and the devices.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Waiting jobs.
    pub waiting: usize,
    /// Jobs on devices or in verification.
    pub proving: usize,
    /// Age of the oldest waiting job.
    pub oldest: Duration,
    /// The devices.
    pub devices: Vec<DeviceLoad>,
    /// How long each worker and child has made no progress.
    pub silences: Vec<Silence>,
    /// Whether an operator has paused the devices.
    pub is_paused: bool,
    /// Whether the store's last operation failed.
    pub is_store_failing: bool,
    /// Size of the store's file in bytes.
    pub store_size: u64,
    /// Free disk space in bytes.
    pub disk_free: u64,
    /// Free disk space below which uploads are rejected, in bytes.
    pub disk_watermark: u64,
    /// Size of all artifacts in bytes.
    pub artifacts_size: u64,
}

/// Metrics of the service.
pub struct Metrics {
    registry: Registry,
    ended: Family<Ended, Counter>,
    failures: Family<OfClass, Counter>,
    attempts_failed: Family<Attempt, Counter>,
    refused: Family<Because, Counter>,
    uploads_refused: Family<Because, Counter>,
    unauthenticated: Family<Because, Counter>,
    phases: Family<InPhase, Histogram>,
    device_peak: Family<OnDeviceInPhase, Gauge>,
    slack: Histogram,
    proof: Histogram,
    estimate_error: Histogram,
    waiting: Gauge,
    proving: Gauge,
    oldest: Gauge<f64, AtomicU64>,
    is_ready: Gauge,
    is_paused: Gauge,
    certificates: Family<OfFile, Gauge>,
    process: ProcessMetrics,
    tenants: TenantMetrics,
    calls: CallMetrics,
    stalls: StallMetrics,
    data: DataMetrics,
    devices: DeviceMetrics,
    log_lines_dropped: Counter,
}

fn seconds() -> Histogram {
    // 10 ms to about 3 hours.
    Histogram::new(exponential_buckets(0.01, 2.0, 20))
}

/// Registers metrics under their names.
struct Register(Registry);

impl Register {
    fn add<M: EncodeMetric + Clone + Debug + Send + Sync + 'static>(
        &mut self,
        name: &str,
        help: &str,
        metric: M,
    ) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn of_unit<M: EncodeMetric + Clone + Debug + Send + Sync + 'static>(
        &mut self,
        name: &str,
        unit: Unit,
        help: &str,
        metric: M,
    ) -> M {
        self.0.register_with_unit(name, help, unit, metric.clone());
        metric
    }
}

impl Metrics {
    /// Registers the metrics. `names_tenants`: whether the label of tenants tells their names.
    pub fn new(names_tenants: bool) -> Self {
        use Unit::{Bytes, Ratios, Seconds};
        let mut r = Register(Registry::with_prefix("quarry"));
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.0.register("build", "Version of the service", build);
        let phases = Family::new_with_constructor(seconds as fn() -> Histogram);
        let metrics = Self {
            ended: r.add("jobs_ended", "Jobs that have ended", Family::default()),
            failures: r.add(
                "job_failures",
                "Jobs that ended without a proof",
                Family::default(),
            ),
            attempts_failed: r.add("attempts_failed", "Attempts that failed", Family::default()),
            refused: r.add(
                "submissions_refused",
                "Submissions that were rejected",
                Family::default(),
            ),
            uploads_refused: r.add("uploads_refused", "Uploads that were rejected", Family::default()),
            unauthenticated: r.add(
                "authentication_failures",
                "Requests that failed authentication or authorization",
                Family::default(),
            ),
            phases: r.of_unit("phase", Seconds, "Time of a phase of proving", phases),
            device_peak: r.of_unit(
                "device_memory_peak",
                Bytes,
                "Device memory of the last proof",
                Family::default(),
            ),
            slack: r.of_unit(
                "deadline_slack",
                Seconds,
                "Time left to the deadline at the end of the job",
                seconds(),
            ),
            proof: r.of_unit("proof", Seconds, "Time of a proof on its device", seconds()),
            estimate_error: r.of_unit(
                "estimate_error",
                Ratios,
                "Ratio of measured to estimated device time of a proof",
                Histogram::new(RATIOS),
            ),
            waiting: r.add("queue_depth", "Waiting jobs", Gauge::default()),
            proving: r.add(
                "jobs_proving",
                "Jobs on devices or in verification",
                Gauge::default(),
            ),
            oldest: r.of_unit(
                "queue_oldest_age",
                Seconds,
                "Age of the oldest waiting job",
                Gauge::default(),
            ),
            is_ready: r.add(
                "ready",
                "1 while jobs are accepted and proved, else 0",
                Gauge::default(),
            ),
            is_paused: r.add(
                "paused",
                "1 while an operator has paused the devices, else 0",
                Gauge::default(),
            ),
            certificates: r.of_unit(
                "certificate_expiry_timestamp",
                Seconds,
                "When the first certificate of the file expires",
                Family::default(),
            ),
            process: ProcessMetrics::register(&mut r),
            tenants: TenantMetrics::register(&mut r, names_tenants),
            calls: CallMetrics::register(&mut r),
            stalls: StallMetrics::register(&mut r),
            data: DataMetrics::register(&mut r),
            devices: DeviceMetrics::register(&mut r),
            log_lines_dropped: r.add(
                "log_lines_dropped",
                "Lines of the log that were dropped because standard error was not read",
                Counter::default(),
            ),
            registry: r.0,
        };
        metrics.begin_at_zero();
        metrics
    }
}

/// The final states of jobs.
fn ended_states() -> impl Iterator<Item = JobState> {
    let states = ENUM_NUMBERS.filter_map(|n| JobState::try_from(n).ok());
    states.filter(|state| state.has_ended())
}

/// Name of a failure class: `input_invalid`.
pub fn class_name(class: FailureClass) -> String {
    let name = class.as_str_name();
    name.trim_start_matches("FAILURE_CLASS_").to_ascii_lowercase()
}

impl Metrics {
    /// Creates all known label values at zero, so that the first increment is visible as an increase.
    fn begin_at_zero(&self) {
        for state in ended_states() {
            drop(self.ended.get_or_create(&Ended { state: state.name() }));
        }
        for n in ENUM_NUMBERS {
            if let Ok(class) = FailureClass::try_from(n).map(class_name) {
                drop(self.failures.get_or_create(&OfClass { class }));
            }
        }
        StallMetrics::begin_at_zero(&self.attempts_failed);
        for reason in REFUSALS {
            drop(self.refused.get_or_create(&Because { reason }));
        }
        for reason in UPLOAD_REFUSALS {
            drop(self.uploads_refused.get_or_create(&Because { reason }));
        }
        for reason in NOT_ALLOWED {
            drop(self.unauthenticated.get_or_create(&Because { reason }));
        }
    }

    /// Counts a tenant's job that has ended; `slack` is the time left to its deadline, if it had one.
    pub fn job_ended(
        &self,
        tenant: &str,
        state: JobState,
        failure: Option<&Failure>,
        slack: Option<Duration>,
    ) {
        self.tenants.job_ended(tenant, state);
        let state = state.name();
        self.ended.get_or_create(&Ended { state }).inc();
        if let Some(failure) = failure {
            let class = class_name(failure.class());
            self.failures.get_or_create(&OfClass { class }).inc();
        }
        if let Some(slack) = slack {
            self.slack.observe(slack.as_secs_f64());
        }
    }

    /// Counts a failed attempt.
    pub fn attempt_failed(&self, failure: &Failure) {
        let labels = Attempt {
            class: class_name(failure.class()),
            code: failure.code.clone(),
            retryable: failure.retryable.to_string(),
        };
        self.attempts_failed.get_or_create(&labels).inc();
    }

    /// Counts a rejected submission.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Because { reason }).inc();
    }

    /// Counts a rejected upload.
    pub fn upload_refused(&self, reason: &'static str) {
        self.uploads_refused.get_or_create(&Because { reason }).inc();
    }

    /// Counts a request that failed authentication or authorization.
    pub fn unauthenticated(&self, reason: &'static str) {
        self.unauthenticated.get_or_create(&Because { reason }).inc();
    }

    /// Records when the certificates of files expire, in seconds since 1970; of the files before, none is left.
    pub fn certificates(&self, expiries: &[(&'static str, i64)]) {
        self.certificates.clear();
        for (file, expiry) in expiries {
            self.certificates.get_or_create(&OfFile { file }).set(*expiry);
        }
    }

    /// Counts a worker start; `is_fallback` if device `auto` fell back to the CPU.
    pub fn worker_started(&self, name: &str, is_fallback: bool) {
        self.devices.worker_started(name, is_fallback);
    }

    /// Adds the time that a device spent on a tenant's job.
    pub fn was_busy(&self, name: &str, tenant: &str, time: Duration) {
        self.tenants.used_device(tenant, time);
        self.devices.was_busy(name, time);
    }

    /// Records a gRPC call of a path, the code of its answer and its time.
    pub fn called(&self, path: &str, code: Code, time: Duration) {
        self.calls.called(path, code, time);
    }

    /// Records a proof of a device and its estimated seconds; returns the measured device seconds.
    pub fn proved(&self, device: &str, phases: &[PhaseTime], estimate: Option<f64>) -> f64 {
        let mut sum = 0.0;
        for phase in phases {
            let label = InPhase {
                phase: phase.phase.clone(),
            };
            let time = phase.time.unwrap_or_default();
            let seconds = time.seconds as f64 + f64::from(time.nanos) / 1e9;
            sum += seconds;
            self.phases.get_or_create(&label).observe(seconds);
            let peak = i64::try_from(phase.device_peak_bytes).unwrap_or(i64::MAX);
            let label = OnDeviceInPhase {
                device: device.to_owned(),
                phase: label.phase,
            };
            self.device_peak.get_or_create(&label).set(peak);
        }
        self.proof.observe(sum);
        if let Some(estimate) = estimate.filter(|estimate| *estimate > 0.0) {
            self.estimate_error.observe(sum / estimate);
        }
        sum
    }

    /// Renders the metrics for the given load, as OpenMetrics text.
    pub fn page(&self, load: &Load, tenants: &BTreeMap<String, TenantLoad>, is_ready: bool) -> String {
        self.tenants.set_loads(tenants);
        self.waiting.set(load.waiting as i64);
        self.proving.set(load.proving as i64);
        self.oldest.set(load.oldest.as_secs_f64());
        let dropped = self.log_lines_dropped.inner();
        dropped.store(crate::log::dropped_lines(), Ordering::Relaxed);
        self.data.show(load);
        self.is_ready.set(i64::from(is_ready));
        self.is_paused.set(i64::from(load.is_paused));
        self.process.look();
        self.stalls.show(&load.silences);
        self.devices.show(&load.devices);
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_ends_with_its_worker() {
        let metrics = Metrics::new(true);
        metrics.worker_started("auto", true);
        let load = |is_fallback| Load {
            devices: vec![DeviceLoad {
                name: "auto".to_owned(),
                is_ready: true,
                is_fallback,
            }],
            is_paused: is_fallback,
            ..Load::default()
        };
        let has = |load, is_ready, lines: [&str; 4]| {
            let page = metrics.page(&load, &BTreeMap::new(), is_ready);
            for line in lines {
                assert!(page.lines().any(|found| found == line), "{line}: {page}");
            }
        };
        let started = "quarry_device_fallbacks_total{device=\"auto\"} 1";
        let on_fallback = |n| format!("quarry_device_fallback{{device=\"auto\"}} {n}");
        let (one, none) = (on_fallback(1), on_fallback(0));
        has(
            load(true),
            false,
            [&*one, started, "quarry_paused 1", "quarry_ready 0"],
        );
        has(
            load(false),
            true,
            [&*none, started, "quarry_paused 0", "quarry_ready 1"],
        );
    }

    #[test]
    fn the_process_has_memory_and_descriptors() {
        let page = Metrics::new(true).page(&Load::default(), &BTreeMap::new(), true);
        for name in ["resident_memory_bytes", "open_descriptors", "max_descriptors"] {
            let name = format!("quarry_process_{name} ");
            let value = page
                .lines()
                .find_map(|line| line.strip_prefix(&name)?.parse().ok());
            assert!(value.is_some_and(|value: i64| value > 0), "{name}: {page}");
        }
    }
}
