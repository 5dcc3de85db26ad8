//! Everything at a glance, for people: what `/status.json` says. No input, no result and no label of a job is in it.

use super::{Active, Scheduler, State};
use crate::failure::is_ours;
use crate::history::{Columns, Span, TICK};
use crate::metrics::class_name;
use crate::protocol::{DeviceInfo, Job, JobState};
use crate::store::{Listing, StoreError};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Jobs that are shown of those that have not ended, and of those that have.
const MOST: usize = 50;
/// How often the load is looked at for the history: a queue that is short of life is seen too.
const LOOK: Duration = Duration::from_secs(1);

/// What the appliance does now.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The version that serves.
    pub version: &'static str,
    /// `ready`, `not ready`, `draining`.
    pub state: &'static str,
    /// Why it is not ready.
    pub reasons: Vec<String>,
    /// Since it was started.
    pub uptime_seconds: u64,
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that may wait.
    pub most_waiting: usize,
    /// For how long the oldest waits.
    pub oldest_seconds: f64,
    /// Jobs on devices or in verification.
    pub proving: usize,
    /// Jobs that have not ended.
    pub n_active: usize,
    /// The devices.
    pub devices: Vec<DeviceView>,
    /// The first of the jobs that have not ended: those furthest on, the oldest first.
    pub active: Vec<JobView>,
    /// The last of those that have, the latest first.
    pub ended: Vec<JobView>,
}

/// A device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceView {
    /// Its name in the configuration.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Whether its worker is ready.
    pub ready: bool,
    /// Why it is not, or why it is the CPU.
    pub note: String,
    /// Times that its worker was started.
    pub starts: u32,
    /// What it works on.
    pub job: Option<JobView>,
}

/// A job.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Who submitted it.
    pub tenant: String,
    /// Its state: `running`.
    pub state: String,
    /// The phase of proving.
    pub stage: String,
    /// Seconds since that began.
    pub stage_seconds: f64,
    /// Share of the proving that is done.
    pub progress: f64,
    /// Seconds since it was submitted; of a job that has ended, from then to its end.
    pub age_seconds: f64,
    /// Seconds since its end.
    pub ended_seconds: Option<f64>,
    /// Attempts that failed.
    pub failed_attempts: u32,
    /// Its layout and padded steps, once they are known.
    pub layout: String,
    /// See `layout`.
    pub n_steps: u64,
    /// Class and code of the failure that ended it, and its message if that quotes no input.
    pub failure: Option<[String; 3]>,
}

/// What is remembered of a job to show it.
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
        let time = |at: Option<prost_types::Timestamp>| at.and_then(|at| SystemTime::try_from(at).ok());
        let now = SystemTime::now();
        let (layout, n_steps) = match &job.statement {
            Some(statement) => (statement.layout.clone(), statement.n_steps),
            None => Default::default(),
        };
        let failure = job.failure.as_ref();
        Self {
            id: job.id.clone(),
            tenant: job.tenant.clone(),
            state: job.state(),
            created: time(job.created_at).unwrap_or(now),
            updated: time(job.updated_at).unwrap_or(now),
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

    /// Whether anybody has begun with it.
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
    /// Remembers what a job is like now.
    pub(super) fn remember(&mut self, job: &Job) {
        let summary = Summary::of(job);
        if job.state().has_ended() {
            self.ended.truncate(MOST - 1);
            self.ended.push_front(summary);
        } else if let Some(active) = self.active.get_mut(&job.id) {
            active.summary = summary;
        }
    }
}

impl Scheduler {
    /// Everything at a glance.
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
            active: active.into_iter().take(MOST).map(Active::view).collect(),
            ended: state.ended.iter().map(Summary::view).collect(),
        }
    }

    /// What the last hour or day was like.
    pub fn history(&self, span: Span) -> Columns {
        let load = self.load();
        self.history.observe(load.waiting, load.proving);
        self.history.columns(span)
    }

    /// Keeps the history.
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

    /// Remembers jobs that ended before this start.
    pub(super) async fn recall_ended(&self) -> Result<(), StoreError> {
        use JobState::{Cancelled, Expired, Failed, Rejected, Succeeded};
        let listing = Listing {
            states: vec![Succeeded, Failed, Rejected, Cancelled, Expired],
            page_size: MOST,
            ..Listing::default()
        };
        let page = self.with_store(move |store| store.list(&listing)).await?;
        let mut ended: Vec<_> = page.jobs.iter().map(Summary::of).collect();
        ended.sort_by_key(|summary| std::cmp::Reverse(summary.updated));
        self.state().ended = ended.into();
        Ok(())
    }
}
