//! The overview in `/status.json`, for people. It contains no input, result or label of any job.

use super::{Active, Scheduler, State};
use crate::failure::is_ours;
use crate::history::{Columns, Span, TICK};
use crate::job::Job;
use crate::metrics::class_name;
use crate::store::{JobStore, Listing, StoreError};
use quarry_client::protocol::{DeviceInfo, JobState};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Number of active jobs shown, and of ended ones.
const MAX_SHOWN_JOBS: usize = 50;
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
    /// The devices.
    pub devices: Vec<DeviceView>,
    /// Active jobs, those in later states first, then the oldest first.
    pub active: Vec<JobView>,
    /// Ended jobs, latest first.
    pub ended: Vec<JobView>,
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
    /// Current proving phase.
    pub stage: String,
    /// Seconds since the phase began.
    pub stage_seconds: f64,
    /// Fraction of the proving that is done.
    pub progress: f64,
    /// Seconds since its submission; for an ended job, from its submission to its end.
    pub age_seconds: f64,
    /// Seconds since its end.
    pub ended_seconds: Option<f64>,
    /// Number of failed attempts.
    pub failed_attempts: u32,
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
    id: String,
    tenant: String,
    state: JobState,
    created: SystemTime,
    updated: SystemTime,
    failed_attempts: u32,
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
        let failure = job.failure.as_ref();
        Self {
            id: job.id.clone(),
            tenant: job.tenant.clone(),
            state: job.state,
            created: job.created,
            updated: job.updated,
            failed_attempts: job.failed_attempts,
            layout,
            n_steps,
            failure: failure.map(|why| {
                let message = if is_ours(why) {
                    why.message.clone()
                } else {
                    String::new()
                };
                [class_name(why.class()), why.code.clone(), message]
            }),
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

    fn view(&self) -> JobView {
        let since =
            |from: SystemTime, to: SystemTime| to.duration_since(from).unwrap_or_default().as_secs_f64();
        let now = SystemTime::now();
        let has_ended = self.state.has_ended();
        JobView {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            state: self.state.name(),
            stage: String::new(),
            stage_seconds: 0.0,
            progress: if self.state == JobState::Succeeded {
                1.0
            } else {
                0.0
            },
            age_seconds: since(self.created, if has_ended { self.updated } else { now }),
            ended_seconds: has_ended.then(|| since(self.updated, now)),
            failed_attempts: self.failed_attempts,
            layout: self.layout.clone(),
            n_steps: self.n_steps,
            failure: self.failure.clone(),
        }
    }
}

impl Active {
    fn view(&self) -> JobView {
        let view = self.summary.view();
        if self.summary.state != JobState::Running {
            return view;
        }
        JobView {
            stage: self.stage.clone(),
            stage_seconds: self.stage_since.elapsed().as_secs_f64(),
            progress: self.progress,
            ..view
        }
    }
}

impl State {
    /// Updates the summary of a job.
    pub(super) fn remember(&mut self, job: &Job) {
        let summary = Summary::of(job);
        if job.has_ended() {
            self.ended.truncate(MAX_SHOWN_JOBS - 1);
            self.ended.push_front(summary);
        } else if let Some(active) = self.active.get_mut(&job.id) {
            active.summary = summary;
        }
    }
}

impl Scheduler {
    /// Returns the overview.
    pub async fn overview(&self) -> Overview {
        let reasons = self.why_not_ready().await;
        let load = self.load();
        let state = self.state();
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
            devices: state.devices.iter().map(device).collect(),
            active: active
                .into_iter()
                .take(MAX_SHOWN_JOBS)
                .map(Active::view)
                .collect(),
            ended: state.ended.iter().map(Summary::view).collect(),
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

/// The jobs that ended before this start, latest first.
///
/// # Errors
/// [`StoreError`].
pub(super) fn recall(store: &dyn JobStore) -> Result<VecDeque<Summary>, StoreError> {
    use JobState::{Cancelled, Expired, Failed, Rejected, Succeeded};
    let listing = Listing {
        states: vec![Succeeded, Failed, Rejected, Cancelled, Expired],
        page_size: MAX_SHOWN_JOBS,
        ..Listing::default()
    };
    let mut ended: Vec<_> = store.list(&listing)?.jobs.iter().map(Summary::of).collect();
    ended.sort_by_key(|summary| Reverse(summary.updated));
    Ok(ended.into())
}
