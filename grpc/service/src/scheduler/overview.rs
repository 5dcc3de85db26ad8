//! The overview in `/status.json`, for people. It contains no input, result or label of any job.

use super::day::Held;
use super::ended::EndedFilter;
use super::{Active, Scheduler, State};
use crate::failure::is_ours;
use crate::history::{Columns, Span, TICK};
use crate::job::Job;
use crate::metrics::class_name;
use crate::text::cut;
use quarry_client::protocol::{DeviceInfo, Failure, JobState};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Number of active jobs shown, and of ended ones.
pub(super) const MAX_SHOWN_JOBS: usize = 50;
/// Longest cause of a failed attempt that is shown, in bytes.
const MAX_SHOWN_CAUSE: usize = 256;
/// Sampling interval of the load for the history, so that short queues are seen too.
const LOOK: Duration = Duration::from_secs(1);

/// Overview of the appliance.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Version of the service.
    pub version: &'static str,
    /// `ready`, `not ready`, `draining`.
    pub state: &'static str,
    /// Reasons why the service is not ready.
    pub reasons: Vec<String>,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Number of waiting jobs.
    pub waiting: usize,
    /// Maximum number of waiting jobs.
    pub most_waiting: usize,
    /// Age of the oldest waiting job.
    pub oldest_seconds: f64,
    /// Jobs on devices or in verification.
    pub proving: usize,
    /// Number of jobs that have not ended.
    pub n_active: usize,
    /// The data's disk.
    pub disk: DiskView,
    /// The devices.
    pub devices: Vec<DeviceView>,
    /// Active jobs, those in later states first, then the oldest first.
    pub active: Vec<JobView>,
    /// Ended jobs in the states that were asked for, latest first.
    pub ended: Vec<JobView>,
}

/// The data's disk. All sizes are in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct DiskView {
    /// Free space.
    pub free_bytes: u64,
    /// Free space below which uploads are rejected.
    pub reserve_bytes: u64,
    /// Size of the store's file.
    pub store_bytes: u64,
    /// Size of all artifacts.
    pub artifacts_bytes: u64,
}

/// A device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceView {
    /// Its name in the configuration.
    pub name: String,
    /// Description of the device; empty if the worker is not ready.
    pub description: String,
    /// Whether its worker is ready.
    pub ready: bool,
    /// Why the worker is not ready, or why the device is the CPU.
    pub note: String,
    /// Number of worker starts.
    pub starts: u32,
    /// The current job.
    pub job: Option<JobView>,
}

/// A job.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Tenant of the job.
    pub tenant: String,
    /// Its state: `running`.
    pub state: String,
    /// Which of its two proofs a job that wraps works on; 0 for a job of one proof.
    pub leg: u32,
    /// Current proving phase.
    pub stage: String,
    /// Why it does not begin today; empty if it need not wait for another day.
    pub waits_for: String,
    /// Seconds since the phase began.
    pub stage_seconds: f64,
    /// Fraction of the proving that is done.
    pub progress: f64,
    /// Until it ends, seconds since it last changed or its worker last reported progress.
    pub quiet_seconds: Option<f64>,
    /// Its deadline, in seconds since 1970.
    pub deadline: Option<f64>,
    /// Seconds that are left to its deadline, or were left at its end; negative after the deadline.
    pub left_seconds: Option<f64>,
    /// Seconds since its submission; for an ended job, from its submission to its end.
    pub age_seconds: f64,
    /// Seconds since its end.
    pub ended_seconds: Option<f64>,
    /// Number of failed attempts.
    pub failed_attempts: u32,
    /// Class, code and message of each failed attempt, as in `failure`.
    pub attempt_failures: Vec<[String; 3]>,
    /// Layout of the run, once known.
    pub layout: String,
    /// Padded steps of the run, once known.
    pub n_steps: u64,
    /// Class, code and message of its failure; the message is empty if it may quote the input.
    pub failure: Option<[String; 3]>,
}

/// Summary of a job for display.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub id: String,
    tenant: String,
    pub state: JobState,
    leg: u32,
    created: SystemTime,
    pub updated: SystemTime,
    deadline: Option<SystemTime>,
    failed_attempts: u32,
    attempt_failures: Vec<[String; 3]>,
    layout: String,
    n_steps: u64,
    failure: Option<[String; 3]>,
}

impl Summary {
    pub(super) fn of(job: &Job) -> Self {
        let (layout, n_steps) = match &job.statement {
            Some(statement) => (statement.layout.clone(), statement.n_steps),
            None => Default::default(),
        };
        let causes = job.attempt_failures.iter().map(|why| {
            let [class, code, message] = shown(why);
            [class, code, cut(message, MAX_SHOWN_CAUSE)]
        });
        Self {
            id: job.id.clone(),
            tenant: job.tenant.clone(),
            state: job.state,
            leg: job.leg,
            created: job.created,
            updated: job.updated,
            deadline: job.spec.deadline,
            failed_attempts: job.failed_attempts,
            attempt_failures: causes.collect(),
            layout,
            n_steps,
            failure: job.failure.as_ref().map(shown),
        }
    }

    /// Time since it was submitted.
    pub(super) fn age(&self) -> Duration {
        self.created.elapsed().unwrap_or_default()
    }

    /// Whether work on the job has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.state != JobState::Received
    }

    /// Whether the job is on a device or in verification.
    pub(super) fn is_proving(&self) -> bool {
        matches!(self.state, JobState::Running | JobState::Verifying)
    }

    pub(super) fn view(&self) -> JobView {
        let now = SystemTime::now();
        let has_ended = self.state.has_ended();
        let end = if has_ended { self.updated } else { now };
        JobView {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            state: self.state.name(),
            leg: self.leg,
            stage: String::new(),
            waits_for: String::new(),
            stage_seconds: 0.0,
            progress: if self.state == JobState::Succeeded {
                1.0
            } else {
                0.0
            },
            quiet_seconds: None,
            deadline: self
                .deadline
                .map(|deadline| seconds(SystemTime::UNIX_EPOCH, deadline)),
            left_seconds: self.deadline.map(|deadline| seconds(end, deadline)),
            age_seconds: seconds(self.created, end).max(0.0),
            ended_seconds: has_ended.then(|| seconds(self.updated, now).max(0.0)),
            failed_attempts: self.failed_attempts,
            attempt_failures: self.attempt_failures.clone(),
            layout: self.layout.clone(),
            n_steps: self.n_steps,
            failure: self.failure.clone(),
        }
    }
}

/// Class, code and message of a failure; no message that may quote the input.
fn shown(failure: &Failure) -> [String; 3] {
    let message = if is_ours(failure) { &*failure.message } else { "" };
    [
        class_name(failure.class()),
        failure.code.clone(),
        message.to_owned(),
    ]
}

/// Seconds from a time to another, which may be before it.
fn seconds(from: SystemTime, to: SystemTime) -> f64 {
    match to.duration_since(from) {
        Ok(time) => time.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

impl Active {
    fn waits_for(&self, held: &Held) -> String {
        held.why(&self.tenant, &self.summary.id, self.summary.state)
    }

    fn view(&self) -> JobView {
        let view = self.summary.view();
        if self.summary.state != JobState::Running {
            return view;
        }
        JobView {
            stage: self.stage.clone(),
            stage_seconds: self.stage_since.elapsed().as_secs_f64(),
            progress: self.progress,
            quiet_seconds: Some(self.heard.elapsed().as_secs_f64()),
            ..view
        }
    }
}

impl State {
    /// Updates the summary of a job.
    pub(super) fn remember(&mut self, job: &Job) {
        let summary = Summary::of(job);
        if job.has_ended() {
            self.ended.add(summary);
        } else if let Some(active) = self.active.get_mut(&job.id) {
            active.summary = summary;
            active.heard = Instant::now();
        }
    }

    /// Shows a job that was reopened or deleted among the ended ones no longer.
    pub(super) fn forget_ended(&mut self, id: &str) {
        self.ended.remove(id);
    }
}

impl Scheduler {
    /// Returns the overview, with the ended jobs in some states.
    pub fn overview(&self, wanted: EndedFilter) -> Overview {
        let reasons = self.why_not_ready();
        let load = self.load();
        let state = self.state();
        let held = self.held(&state);
        let view = |active: &Active| JobView {
            waits_for: active.waits_for(&held),
            ..active.view()
        };
        let mut active: Vec<&Active> = state.active.values().collect();
        // The states are numbered in the order in which a job goes through them.
        active.sort_by_key(|active| (-(active.summary.state as i32), active.summary.created));
        let device = |info: &DeviceInfo| DeviceView {
            name: info.name.clone(),
            description: info.description.clone(),
            ready: !info.description.is_empty(),
            note: info.note.clone(),
            starts: info.starts,
            job: state.active.get(&info.job_id).map(Active::view),
        };
        Overview {
            version: env!("CARGO_PKG_VERSION"),
            state: match (state.draining, reasons.is_empty()) {
                (true, _) => "draining",
                (false, true) => "ready",
                (false, false) => "not ready",
            },
            reasons,
            uptime_seconds: self.started.elapsed().as_secs(),
            waiting: load.waiting,
            most_waiting: self.settings.max_queued_jobs,
            oldest_seconds: load.oldest.as_secs_f64(),
            proving: load.proving,
            n_active: active.len(),
            disk: DiskView {
                free_bytes: load.disk_free,
                reserve_bytes: load.disk_watermark,
                store_bytes: load.store_size,
                artifacts_bytes: load.artifacts_size,
            },
            devices: state.devices.iter().map(device).collect(),
            active: active.into_iter().take(MAX_SHOWN_JOBS).map(view).collect(),
            ended: state.ended.latest(wanted).map(Summary::view).collect(),
        }
    }

    /// Returns the load history of a span.
    pub fn history(&self, span: Span) -> Columns {
        let load = self.load();
        self.history.observe(load.waiting, load.proving);
        self.history.columns(span)
    }

    /// Samples the load for the history, forever.
    pub(super) async fn keep_history(self: Arc<Self>) {
        loop {
            for _ in 0..TICK.as_secs() / LOOK.as_secs() {
                tokio::time::sleep(LOOK).await;
                let load = self.load();
                self.history.observe(load.waiting, load.proving);
            }
            self.history.tick();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Stage, failure};
    use crate::job;
    use quarry_client::protocol::FailureClass;

    #[test]
    fn a_job_tells_its_causes_and_the_time_left_but_no_input() {
        let mut job = job::example("");
        let long = "x".repeat(2000);
        job.count_failure(failure(FailureClass::Device, Stage::Prove, "worker.died", &long));
        job.count_failure(failure(
            FailureClass::Resource,
            Stage::Prepare,
            "child.killed",
            "secret",
        ));
        let none = Summary::of(&job).view();
        assert_eq!(none.leg, 0);
        job.leg = 2;
        assert_eq!(Summary::of(&job).view().leg, 2);
        assert_eq!((none.deadline, none.left_seconds), (None, None));
        let [died, killed] = &none.attempt_failures[..] else {
            panic!("{none:?}");
        };
        assert_eq!((&*died[0], &*died[1]), ("device", "worker.died"));
        assert!(
            died[2].starts_with("xxx") && died[2].len() <= MAX_SHOWN_CAUSE,
            "{died:?}"
        );
        assert_eq!(killed, &["resource", "child.killed", ""]);

        job.spec.deadline = Some(job.created + Duration::from_secs(100));
        let left = Summary::of(&job).view().left_seconds.unwrap();
        assert!((90.0..=100.0).contains(&left), "{left}");
        // Of an ended job, what was left at its end.
        job.state = JobState::Expired;
        job.updated = job.created + Duration::from_secs(103);
        let ended = Summary::of(&job).view();
        assert_eq!((ended.left_seconds, ended.age_seconds), (Some(-3.0), 103.0));
    }
}
