//! Schedules jobs. The store holds the state of every job; the scheduler only holds the work in progress, and may lose
//! that at any moment.
//!
//! ```text
//! RECEIVED -> VALIDATING (a child) -> QUEUED -> RUNNING (a worker) -> VERIFYING (a child) -> SUCCEEDED
//! ```
//!
//! A job that wraps goes this way twice, once for each of its proofs: from VERIFYING back to RECEIVED after the first.

mod announce;
mod blocks;
mod collect;
mod commitments;
mod day;
mod disk;
mod drain;
mod end;
mod ended;
mod estimate;
mod intake;
mod legs;
mod limits;
mod memory;
mod overview;
mod pace;
mod pause;
mod prepare;
mod prove;
pub mod queue;
mod release;
mod reprove;
mod scratch;
mod stall;
mod supervise;
mod tasks;
mod tenants;
#[cfg(test)]
mod testing;
mod turns;
mod view;

pub use collect::Retention;
pub use day::Held;
pub use ended::EndedFilter;
pub use intake::SubmitError;
pub(crate) use memory::why_too_large;
pub use reprove::ReproveError;
pub use tenants::Recorded;

use crate::artifacts::Artifacts;
use crate::config::{DayLimits, lane_of};
use crate::history::History;
use crate::job::Job;
use crate::metrics::Metrics;
use crate::pulse::Pulses;
use crate::store::{Fence, JobStore, Renew, StoreError};
use announce::Announcer;
use blocks::KnownKeys;
use collect::Collection;
use day::{Day, MaxPerDay};
use disk::Disk;
use ended::EndedJobs;
use estimate::MAX_ESTIMATES;
use limits::MaxLimits;
use pace::Pace;
use pause::Pause;
use prepare::Prepared;
use quarry_client::protocol::{DeviceInfo, JobState, Limits};
use queue::{Entry, Queue};
use scratch::Scratch;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use supervise::{Lanes, Places};
use tasks::{blocking, joined, to_its_end};
use tokio::sync::{Notify, watch};
use turns::{MAX_CHANGES, Turns};

/// Backoff after a failed attempt: first pause, doubled each time, up to the longest.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Maximum age assumed for a job.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// With less free disk space no job is started, since it would fail.
const MIN_DISK: u64 = 64 << 20;
/// Pause before a retry after a store error.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Settings of the scheduler.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder for the attempts' files; emptied at start.
    pub scratch: PathBuf,
    /// File of the store, whose size is a metric.
    pub store_file: PathBuf,
    /// Folder of the artifacts, whose size is shown.
    pub artifacts: PathBuf,
    /// Whether metrics tell the names of tenants.
    pub names_tenants: bool,
    /// File that holds the reason while devices are paused.
    pub pause_file: PathBuf,
    /// Device names; one worker each.
    pub devices: Vec<String>,
    /// Limits of a job at the start: the maximum, and the default if the job sets none.
    pub limits: Limits,
    /// Device seconds that tenants may use on a day, at the start.
    pub day_limits: DayLimits,
    /// Largest file that a child process may write.
    pub max_file_bytes: u64,
    /// Free disk space below which uploads are rejected, in bytes.
    pub min_free_bytes: u64,
    /// Maximum number of waiting jobs.
    pub max_queued_jobs: usize,
    /// Maximum attempts per job.
    pub max_attempts: u32,
    /// Shortest time without progress after which a process counts as hung.
    pub max_stall: Duration,
    /// Retention times.
    pub retention: Retention,
    /// How long nothing is removed after the start, because the store was just created or restored.
    pub doubt: Duration,
}

/// A job that has not ended.
struct Active {
    /// Set to true when the work on the job must stop.
    stop: watch::Sender<bool>,
    deadline: Option<SystemTime>,
    limits: Option<Limits>,
    tenant: String,
    priority: i32,
    /// Fraction of the proving that is done, and the current phase.
    progress: f64,
    stage: String,
    stage_since: Instant,
    /// When the job last changed or its worker last reported progress.
    heard: Instant,
    summary: overview::Summary,
    /// Set while the prepared files are in the scratch folder.
    prepared: Option<Prepared>,
}

impl Active {
    fn of(job: &Job) -> Self {
        Self {
            stop: watch::Sender::new(false),
            deadline: job.spec.deadline,
            limits: job.spec.limits,
            tenant: job.tenant.clone(),
            priority: job.spec.priority,
            progress: 0.0,
            stage: String::new(),
            stage_since: Instant::now(),
            heard: Instant::now(),
            summary: overview::Summary::of(job),
            prepared: None,
        }
    }

    /// The proof's work in field multiplications, once known.
    fn work(&self) -> Option<f64> {
        let prepared = self.prepared.as_ref()?;
        Some(prepared.statement.multiplications)
    }
}

#[derive(Default)]
struct State {
    active: HashMap<String, Active>,
    ended: EndedJobs,
    waiting: Queue,
    ready: Queue,
    /// What tenants use of the devices today.
    day: Day,
    /// Child processes that are preparing a job.
    preparing: Lanes,
    /// Jobs on devices or in verification.
    proving: Places,
    draining: bool,
    closing: bool,
    devices: Vec<DeviceInfo>,
    /// Last store error, until a write succeeds again.
    store_failed: Option<String>,
}

/// Schedules jobs on devices.
pub struct Scheduler {
    settings: Settings,
    store: Arc<dyn JobStore>,
    artifacts: Arc<dyn Artifacts>,
    state: Mutex<State>,
    metrics: Metrics,
    history: History,
    started: Instant,
    /// Notified when `state` changes.
    wake: Notify,
    announcer: Announcer,
    scratch: Scratch,
    disk: Disk,
    pause: Pause,
    pace: Pace,
    pulses: Pulses,
    estimates: Turns,
    /// Of clients that change the store.
    changes: Turns,
    max_limits: MaxLimits,
    max_per_day: MaxPerDay,
    known_keys: KnownKeys,
    collection: Collection,
    /// Held while a submission is decided.
    admitting: tokio::sync::Mutex<()>,
    /// Held while the store is asked for a tenant's records.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl Scheduler {
    /// Resumes all jobs that have not ended and starts the background tasks.
    ///
    /// # Errors
    /// [`StoreError`], also if the scratch folder cannot be created.
    pub async fn start(
        settings: Settings,
        store: Arc<dyn JobStore>,
        artifacts: Arc<dyn Artifacts>,
    ) -> Result<Arc<Self>, StoreError> {
        let unusable = |why: io::Error| StoreError::Io(why.to_string());
        let scratch = Scratch::begin(&settings.scratch).map_err(unusable)?;
        let pause = Pause::recall(&settings.pause_file).map_err(unusable)?;
        let recalled = Arc::clone(&store);
        let recall = move || {
            let store = &*recalled;
            Ok::<_, StoreError>((
                store.last_event()?,
                Pace::recall(store)?,
                EndedJobs::recall(store)?,
            ))
        };
        let (last_event, pace, ended) = blocking(recall).await?;
        let devices = settings.devices.iter().map(|name| DeviceInfo {
            name: name.clone(),
            ..Default::default()
        });
        let state = State {
            devices: devices.collect(),
            ended,
            ..Default::default()
        };
        let metrics = Metrics::new(settings.names_tenants);
        let scheduler = Arc::new(Self {
            max_limits: MaxLimits::new(settings.limits),
            max_per_day: MaxPerDay::new(settings.day_limits.clone()),
            known_keys: KnownKeys::default(),
            disk: Disk::new(&settings),
            settings,
            store,
            artifacts,
            state: Mutex::new(state),
            metrics,
            history: History::default(),
            started: Instant::now(),
            wake: Notify::new(),
            announcer: Announcer::new(last_event),
            scratch,
            pause,
            pace,
            pulses: Pulses::default(),
            estimates: Turns::new(MAX_ESTIMATES),
            changes: Turns::new(MAX_CHANGES),
            collection: Collection::default(),
            admitting: tokio::sync::Mutex::default(),
            reading: Arc::default(),
        });
        for job in scheduler.with_store(|store| store.active()).await? {
            // The process that worked on it is gone, so the job starts over.
            let job = match job.state {
                JobState::Received => job,
                _ => scheduler.receive_again(&job.id).await?,
            };
            scheduler.admit(&job);
        }
        scheduler.keep_running(Self::prepare_jobs);
        scheduler.keep_running(Self::watch_deadlines);
        scheduler.keep_running(Self::collect_forever);
        scheduler.keep_running(Self::keep_history);
        scheduler.keep_running(Self::watch_disk);
        scheduler.keep_running(Self::watch_artifacts);
        scheduler.keep_running(Self::watch_store);
        for index in 0..scheduler.settings.devices.len() {
            scheduler.keep_running(move |scheduler| scheduler.drive_device(index));
        }
        Ok(scheduler)
    }

    /// Pauses the devices for a reason, or resumes them.
    ///
    /// # Errors
    /// If the change took effect but could not be recorded, so that a restart undoes it.
    pub fn set_paused(&self, reason: Option<String>) -> io::Result<()> {
        let recorded = self.pause.set(reason);
        self.wake.notify_waiters();
        recorded
    }

    /// Ends all watch streams, because the service is shutting down.
    pub fn close(&self) {
        self.state().closing = true;
        self.announcer.wake();
    }

    /// Whether watch streams must end.
    pub fn is_closing(&self) -> bool {
        self.state().closing
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs a blocking store action off the async threads.
    ///
    /// # Errors
    /// Errors of the action.
    pub async fn with_store<T: Send + 'static>(
        &self,
        action: impl FnOnce(&dyn JobStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let result = blocking(move || action(&*store)).await;
        if let Err(error @ (StoreError::Io(_) | StoreError::Damaged(_) | StoreError::Moved(_))) = &result {
            self.state().store_failed = Some(error.to_string());
        }
        result
    }

    async fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        mut change: impl FnMut(&mut Job) + Send + 'static,
    ) -> Result<Job, StoreError> {
        let id = id.to_owned();
        let job = self
            .with_store(move |store| store.change(&id, fence, renew, &mut change))
            .await?;
        self.announcer.announce(&job);
        self.state().remember(&job);
        if job.has_ended() {
            self.history.ended(job.state);
            // Slack is only meaningful for jobs that succeeded or expired.
            let had_time = matches!(job.state, JobState::Succeeded | JobState::Expired);
            let deadline = job.spec.deadline.filter(|_| had_time);
            let slack =
                deadline.map(|deadline| deadline.duration_since(SystemTime::now()).unwrap_or_default());
            self.metrics
                .job_ended(&job.tenant, job.state, job.failure.as_ref(), slack);
        }
        Ok(job)
    }

    /// Resets a job to RECEIVED under a new lease, whatever its current lease.
    async fn receive_again(&self, id: &str) -> Result<Job, StoreError> {
        self.change(id, Fence::Any, Renew::New, Job::reset).await
    }

    /// Puts a recorded job into the queue.
    fn admit(&self, job: &Job) {
        let mut state = self.state();
        state.active.insert(job.id.clone(), Active::of(job));
        state.waiting.push(entry(job));
        drop(state);
        self.wake.notify_waiters();
    }

    /// Drops an ended job from memory and removes its files.
    fn forget(&self, id: &str) {
        // First the files: once the job is forgotten, an operator may let it start over.
        self.scratch.clear(id);
        self.state().active.remove(id);
        self.wake.notify_waiters();
    }

    /// Recovers from a store error in the middle of a job. If the job was overruled, it is dropped; otherwise it is
    /// reset and queued again as soon as the store works.
    async fn recover(&self, id: &str, error: StoreError) {
        let mut error = error;
        loop {
            if matches!(
                error,
                StoreError::Stale { .. } | StoreError::Ended(_) | StoreError::NotFound(_)
            ) {
                return self.forget(id);
            }
            tracing::error!(%error, id, "store error");
            tokio::time::sleep(STORE_PAUSE).await;
            match self.receive_again(id).await {
                Ok(job) => {
                    self.scratch.clear(id);
                    return self.admit(&job);
                }
                Err(again) => error = again,
            }
        }
    }

    /// Waits until `find` returns a value for the state.
    async fn when<T>(&self, mut find: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // From here on, no notification is missed.
            woken.as_mut().enable();
            if let Some(found) = find(&mut self.state()) {
                return found;
            }
            woken.await;
        }
    }

    /// Resolves when the work on a job must stop.
    fn stopped(&self, id: &str) -> impl Future<Output = ()> + Send + use<> {
        let stop = self.state().active.get(id).map(|active| active.stop.subscribe());
        async move {
            // Also resolves if the job is not active or stops being active.
            if let Some(mut stop) = stop {
                let _ = stop.wait_for(|stop| *stop).await;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Queue entry of a job. Its age counts from its submission, whatever was tried since; after a failed attempt it backs
/// off.
fn entry(job: &Job) -> Entry {
    let age = job.created.elapsed().unwrap_or_default();
    let now = Instant::now();
    let pause = match job.failed_attempts {
        0 => Duration::ZERO,
        n => MAX_PAUSE.min(RETRY_PAUSE * (1 << (n - 1).min(10))),
    };
    Entry {
        id: job.id.clone(),
        lease: job.lease,
        tenant: lane_of(&job.tenant).to_owned(),
        priority: job.spec.priority,
        // Limits the age to a day, in case the clock was changed.
        since: now.checked_sub(age.min(MAX_AGE)).unwrap_or(now),
        not_before: now + pause,
    }
}
