//! What becomes of jobs. A job is a state in the store; what is here is who works on it, and can be lost at any moment.
//!
//! ```text
//! RECEIVED -> VALIDATING (a child) -> QUEUED -> RUNNING (a worker) -> VERIFYING (a child) -> SUCCEEDED
//! ```

mod collect;
mod commitments;
mod end;
mod estimate;
mod intake;
mod memory;
mod overview;
mod pause;
mod prepare;
mod prove;
pub mod queue;
mod release;
mod scratch;
mod view;

pub use collect::Retention;
pub use intake::SubmitError;

use crate::artifacts::Artifacts;
use crate::history::History;
use crate::internal::{Prepared, StoredJob};
use crate::metrics::Metrics;
use crate::protocol::{DeviceInfo, Job, JobState, Limits};
use crate::store::{Fence, JobStore, Renew, StoreError};
use queue::{Entry, Queue};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, broadcast, watch};

/// Changes of jobs that may be told and not heard.
const MOST_CHANGES: usize = 1024;
/// How long a job is left alone after an attempt that failed: at first, doubled each time, and at most.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(60);
/// The oldest that a job is taken to be.
const MOST_AGE: Duration = Duration::from_secs(24 * 3600);
/// With less of the disk free nothing is begun: it would fail.
const LEAST_DISK: u64 = 64 << 20;
/// How long the store is left alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What the scheduler may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder for the files of attempts; what is in it belongs to nobody when the service starts.
    pub scratch: PathBuf,
    /// File that says why devices take no jobs, if they are to take none.
    pub pause_file: PathBuf,
    /// One worker for each, by its name.
    pub devices: Vec<String>,
    /// What a job may take, at most and unless it says less.
    pub limits: Limits,
    /// Largest file that a child may write.
    pub max_file_bytes: u64,
    /// Bytes of the disk that uploads leave free.
    pub min_free_bytes: u64,
    /// Jobs that may wait.
    pub max_queued_jobs: usize,
    /// Attempts of a job.
    pub max_attempts: u32,
    /// How long things are kept.
    pub retention: Retention,
}

/// A job that has not ended.
struct Active {
    /// Becomes true when the work is to stop.
    stop: watch::Sender<bool>,
    deadline: Option<SystemTime>,
    tenant: String,
    priority: i32,
    /// Its proof's work in field multiplications, once it is known.
    work: Option<f64>,
    /// Share of the proving that is done, and its phase.
    progress: f64,
    stage: String,
    stage_since: Instant,
    summary: overview::Summary,
    /// Set while its files lie in scratch.
    prepared: Option<Prepared>,
}

impl Active {
    fn of(job: &Job) -> Self {
        let deadline = job.spec.as_ref().and_then(|spec| spec.deadline);
        Self {
            stop: watch::Sender::new(false),
            deadline: deadline.and_then(|deadline| SystemTime::try_from(deadline).ok()),
            tenant: job.tenant.clone(),
            priority: job.spec.as_ref().map_or(0, |spec| spec.priority),
            work: None,
            progress: 0.0,
            stage: String::new(),
            stage_since: Instant::now(),
            summary: overview::Summary::of(job),
            prepared: None,
        }
    }
}

#[derive(Default)]
struct State {
    active: HashMap<String, Active>,
    /// The latest of those that have ended, the latest first.
    ended: VecDeque<overview::Summary>,
    waiting: Queue,
    ready: Queue,
    /// Children that prepare a job now.
    preparing: usize,
    /// Jobs on devices or in verification.
    proving: usize,
    /// Why devices take no jobs, if an operator said so.
    paused: Option<String>,
    draining: bool,
    closing: bool,
    devices: Vec<DeviceInfo>,
    pace: estimate::Pace,
    /// Why the store did not do what it was asked, since it last could be written.
    store_failed: Option<String>,
}

/// The scheduler.
pub struct Scheduler {
    settings: Settings,
    store: Arc<dyn JobStore>,
    artifacts: Arc<dyn Artifacts>,
    state: Mutex<State>,
    metrics: Metrics,
    history: History,
    started: Instant,
    /// Something changed in `state`.
    wake: Notify,
    /// The latest event's cursor.
    last_event: watch::Sender<u64>,
    /// Every change of a job.
    changes: broadcast::Sender<Arc<Job>>,
    /// Held while a job is taken or refused.
    admitting: tokio::sync::Mutex<()>,
    /// Held while a job is estimated.
    estimating: tokio::sync::Mutex<()>,
    /// Submissions read, collection writes: no file goes between the check that it is here and the record of its job.
    collecting: tokio::sync::RwLock<()>,
    /// An upload found too little of the disk free.
    disk_is_short: Notify,
}

impl Scheduler {
    /// Takes up all jobs that have not ended and begins to work.
    ///
    /// # Errors
    /// [`StoreError`], or a scratch folder that cannot be made.
    pub async fn start(
        settings: Settings,
        store: Arc<dyn JobStore>,
        artifacts: Arc<dyn Artifacts>,
    ) -> Result<Arc<Self>, StoreError> {
        let settings = Settings {
            scratch: scratch::begin(&settings.scratch).map_err(|why| StoreError::Io(why.to_string()))?,
            ..settings
        };
        let devices = settings.devices.iter().map(|name| DeviceInfo {
            name: name.clone(),
            ..Default::default()
        });
        let state = State {
            devices: devices.collect(),
            paused: pause::recall(&settings.pause_file).map_err(|why| StoreError::Io(why.to_string()))?,
            ..Default::default()
        };
        let scheduler = Arc::new(Self {
            settings,
            store,
            artifacts,
            state: Mutex::new(state),
            metrics: Metrics::default(),
            history: History::default(),
            started: Instant::now(),
            wake: Notify::new(),
            last_event: watch::Sender::new(0),
            changes: broadcast::Sender::new(MOST_CHANGES),
            admitting: tokio::sync::Mutex::default(),
            estimating: tokio::sync::Mutex::default(),
            collecting: tokio::sync::RwLock::default(),
            disk_is_short: Notify::new(),
        });
        let last_event = scheduler.with_store(|store| store.last_event()).await?;
        scheduler.last_event.send_replace(last_event);
        scheduler.recall_pace().await?;
        scheduler.recall_ended().await?;
        for job in scheduler.with_store(|store| store.active()).await? {
            // Whoever worked on it is gone: what it made is made again.
            let job = match job.state() {
                JobState::Received => job,
                _ => scheduler.receive_again(&job.id).await?,
            };
            scheduler.admit(&job);
        }
        tokio::spawn(Arc::clone(&scheduler).prepare_jobs());
        tokio::spawn(Arc::clone(&scheduler).watch_deadlines());
        tokio::spawn(Arc::clone(&scheduler).collect_forever());
        tokio::spawn(Arc::clone(&scheduler).keep_history());
        for index in 0..scheduler.settings.devices.len() {
            tokio::spawn(Arc::clone(&scheduler).drive_device(index));
        }
        Ok(scheduler)
    }

    /// Lets what is on devices end, takes no more, and waits so long for it at most.
    pub async fn drain(&self, time: Duration) {
        self.state().draining = true;
        self.wake.notify_waiters();
        let idle = self.when(|state| (state.proving == 0).then_some(()));
        if tokio::time::timeout(time, idle).await.is_err() {
            tracing::warn!("drain: what is still on devices begins anew at the next start");
        }
    }

    /// Ends whoever watches: the service is about to end.
    pub fn close(&self) {
        self.state().closing = true;
        self.last_event.send_modify(|_| {});
    }

    /// Whether watchers are to end.
    pub fn is_closing(&self) -> bool {
        self.state().closing
    }

    /// Whether the service is about to end.
    pub fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Does something with the store, away from the threads that serve.
    ///
    /// # Errors
    /// Those of what is done.
    pub async fn with_store<T: Send + 'static>(
        &self,
        action: impl FnOnce(&dyn JobStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let result = blocking(move || action(&*store)).await;
        if let Err(error @ (StoreError::Io(_) | StoreError::Damaged(_))) = &result {
            self.state().store_failed = Some(error.to_string());
        }
        result
    }

    async fn change(
        &self,
        id: &str,
        fence: Fence,
        renew: Renew,
        mut change: impl FnMut(&mut StoredJob) + Send + 'static,
    ) -> Result<Job, StoreError> {
        let id = id.to_owned();
        let job = self
            .with_store(move |store| store.change(&id, fence, renew, &mut change))
            .await?;
        self.announce(&job);
        self.state().remember(&job);
        if job.state().has_ended() {
            self.history.ended(job.state());
            let deadline = job.spec.as_ref().and_then(|spec| spec.deadline);
            let deadline = deadline.and_then(|deadline| SystemTime::try_from(deadline).ok());
            // Of what was rejected or cancelled nobody asks whether it was in time.
            let deadline =
                deadline.filter(|_| matches!(job.state(), JobState::Succeeded | JobState::Expired));
            let slack =
                deadline.map(|deadline| deadline.duration_since(SystemTime::now()).unwrap_or_default());
            self.metrics.job_ended(job.state(), job.failure.as_ref(), slack);
        }
        Ok(job)
    }

    /// Sends a job back to the start, whoever worked on it.
    async fn receive_again(&self, id: &str) -> Result<Job, StoreError> {
        let receive = |stored: &mut StoredJob| {
            reset(stored.job.get_or_insert_default());
        };
        self.change(id, Fence::Any, Renew::New, receive).await
    }

    /// Puts a job that is recorded where it will be taken from.
    fn admit(&self, job: &Job) {
        let mut state = self.state();
        state.active.insert(job.id.clone(), Active::of(job));
        state.waiting.push(entry(job));
        drop(state);
        self.wake.notify_waiters();
    }

    /// Forgets a job that has ended, and removes its files.
    fn forget(&self, id: &str) {
        self.state().active.remove(id);
        self.clear(id);
        self.wake.notify_waiters();
    }

    /// Removes the files of a job's attempt.
    fn clear(&self, id: &str) {
        let folder = self.folder(id);
        if folder.exists()
            && let Err(why) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!(%why, id, "the files of an attempt stay until the next start");
        }
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.settings.scratch.join(id)
    }

    /// After an error of the store in the middle of a job: nothing, if the job was overruled; or else the job begins
    /// anew as soon as the store can be used.
    async fn recover(&self, id: &str, error: StoreError) {
        let mut error = error;
        loop {
            if matches!(
                error,
                StoreError::Stale { .. } | StoreError::Ended(_) | StoreError::NotFound(_)
            ) {
                return self.forget(id);
            }
            tracing::error!(%error, id, "the store fails");
            tokio::time::sleep(STORE_PAUSE).await;
            match self.receive_again(id).await {
                Ok(job) => {
                    self.clear(id);
                    return self.admit(&job);
                }
                Err(again) => error = again,
            }
        }
    }

    /// Waits until there is something in the state.
    async fn when<T>(&self, mut find: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // From here on no notification is missed.
            woken.as_mut().enable();
            if let Some(found) = find(&mut self.state()) {
                return found;
            }
            woken.await;
        }
    }

    /// Resolves when the work on a job is to stop.
    fn stopped(&self, id: &str) -> impl Future<Output = ()> + Send + use<> {
        let stop = self.state().active.get(id).map(|active| active.stop.subscribe());
        async move {
            // A job that is not active any more, or ceases to be, is to stop.
            if let Some(mut stop) = stop {
                let _ = stop.wait_for(|stop| *stop).await;
            }
        }
    }

    /// Tells everybody what a job is like now.
    fn announce(&self, job: &Job) {
        if job.stage.is_empty() {
            let code = job.failure.as_ref().map_or("", |failure| &failure.code);
            tracing::info!(
                id = job.id,
                tenant = job.tenant,
                state = job.state().name(),
                lease = job.lease_epoch,
                code,
                "a job"
            );
        }
        if self.changes.receiver_count() > 0 {
            let _ = self.changes.send(Arc::new(job.clone()));
        }
        let cursor = job.last_event;
        self.last_event.send_if_modified(|last| {
            let is_later = cursor > *last;
            *last = cursor.max(*last);
            is_later
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a job back to the start.
fn reset(job: &mut Job) {
    job.set_state(JobState::Received);
    job.stage.clear();
    job.progress = 0.0;
}

/// The job's place in a queue. It waits since it was submitted, whatever was tried in between; after an attempt that failed
/// it is left alone for a while.
fn entry(job: &Job) -> Entry {
    let created = job.created_at.and_then(|at| SystemTime::try_from(at).ok());
    let age = created
        .and_then(|created| created.elapsed().ok())
        .unwrap_or_default();
    let now = Instant::now();
    let pause = match job.failed_attempts {
        0 => Duration::ZERO,
        n => MOST_PAUSE.min(RETRY_PAUSE * (1 << (n - 1).min(10))),
    };
    Entry {
        id: job.id.clone(),
        lease: job.lease_epoch,
        tenant: job.tenant.clone(),
        priority: job.spec.as_ref().map_or(0, |spec| spec.priority),
        // A clock that was set does not make it older than a day.
        since: now.checked_sub(age.min(MOST_AGE)).unwrap_or(now),
        not_before: now + pause,
    }
}

/// Does something to its end, whether the caller waits for that or goes away in the middle.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    done(tokio::spawn(work).await)
}

/// Does what blocks, away from the threads that serve.
async fn blocking<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
    done(tokio::task::spawn_blocking(action).await)
}

fn done<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    match joined {
        Ok(value) => value,
        // Nobody aborts it: it panicked, and so do we.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
