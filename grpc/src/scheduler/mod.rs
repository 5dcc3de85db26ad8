//! What becomes of jobs. A job is a state in the store; what is here is who works on it, and can be lost at any moment.
//!
//! ```text
//! RECEIVED -> VALIDATING (a child) -> QUEUED -> RUNNING (a worker) -> VERIFYING (a child) -> SUCCEEDED
//! ```

mod prepare;
mod prove;
pub mod queue;
mod release;

use crate::artifacts::Artifacts;
use crate::failure::{Stage, failure};
use crate::internal::{Prepared, StoredJob};
use crate::metrics::{Load, Metrics};
use crate::protocol::{DeviceInfo, Failure, FailureClass, Job, JobState, Limits};
use crate::store::{Fence, JobStore, Listing, Renew, StoreError, Submitted};
use queue::{Entry, Queue};
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, watch};

/// How often deadlines are looked at.
const DEADLINE_TICK: Duration = Duration::from_millis(500);
/// How long the store is left alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What the scheduler may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder for the files of attempts; what is in it belongs to nobody when the service starts.
    pub scratch: PathBuf,
    /// One worker for each, by its name.
    pub devices: Vec<String>,
    /// What a job may take, at most and unless it says less.
    pub limits: Limits,
    /// Largest file that a child may write.
    pub max_file_bytes: u64,
    /// Jobs that may wait.
    pub max_queued_jobs: usize,
    /// Attempts of a job.
    pub max_attempts: u32,
}

/// Why a job is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many wait.
    #[error("{0} jobs wait already")]
    Full(usize),
    /// The tenant has as many jobs as it may.
    #[error("the tenant has {0} active jobs already")]
    Quota(usize),
    /// The service is about to end.
    #[error("the service is draining")]
    Draining,
    /// An input is not here.
    #[error(transparent)]
    Artifact(#[from] crate::artifacts::ArtifactError),
    /// The store cannot take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job that has not ended.
struct Active {
    /// Becomes true when the work is to stop.
    stop: watch::Sender<bool>,
    deadline: Option<SystemTime>,
    tenant: String,
    /// Share of the proving that is done, and its phase.
    progress: f64,
    stage: String,
    /// Set while its files lie in scratch.
    prepared: Option<Prepared>,
}

#[derive(Default)]
struct State {
    active: HashMap<String, Active>,
    waiting: Queue,
    ready: Queue,
    /// Children that prepare a job now.
    preparing: usize,
    /// Jobs on devices or in verification.
    proving: usize,
    draining: bool,
    closing: bool,
    devices: Vec<DeviceInfo>,
}

/// The scheduler.
pub struct Scheduler {
    settings: Settings,
    store: Arc<dyn JobStore>,
    artifacts: Arc<dyn Artifacts>,
    state: Mutex<State>,
    metrics: Metrics,
    /// Something changed in `state`.
    wake: Notify,
    /// The latest event's cursor.
    last_event: watch::Sender<u64>,
    /// Submissions read, collection writes: no file goes between the check that it is here and the record of its job.
    collecting: tokio::sync::RwLock<()>,
}

impl Scheduler {
    /// Takes up all jobs that have not ended and begins to work.
    ///
    /// # Errors
    /// [`StoreError`], or a scratch folder that cannot be emptied.
    pub async fn start(
        settings: Settings,
        store: Arc<dyn JobStore>,
        artifacts: Arc<dyn Artifacts>,
    ) -> Result<Arc<Self>, StoreError> {
        let scratch = &settings.scratch;
        if scratch.exists() {
            std::fs::remove_dir_all(scratch).map_err(|why| StoreError::Io(why.to_string()))?;
        }
        std::fs::create_dir_all(scratch).map_err(|why| StoreError::Io(why.to_string()))?;
        let devices = settings.devices.iter().map(|name| DeviceInfo {
            name: name.clone(),
            ..Default::default()
        });
        let state = State {
            devices: devices.collect(),
            ..Default::default()
        };
        let scheduler = Arc::new(Self {
            settings,
            store,
            artifacts,
            state: Mutex::new(state),
            metrics: Metrics::default(),
            wake: Notify::new(),
            last_event: watch::Sender::new(0),
            collecting: tokio::sync::RwLock::default(),
        });
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
        for index in 0..scheduler.settings.devices.len() {
            tokio::spawn(Arc::clone(&scheduler).drive_device(index));
        }
        Ok(scheduler)
    }

    /// Takes a job, unless its tenant has `quota` active ones: it is recorded, durably, when this returns.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, job: Job, quota: Option<usize>) -> Result<Submitted, SubmitError> {
        let _no_collection = self.collecting.read().await;
        {
            let state = self.state();
            if state.draining {
                return Err(SubmitError::Draining);
            }
            let n_waiting = state.waiting.len();
            if n_waiting >= self.settings.max_queued_jobs {
                return Err(SubmitError::Full(n_waiting));
            }
            let n_active = || {
                state
                    .active
                    .values()
                    .filter(|active| active.tenant == job.tenant)
                    .count()
            };
            if let Some(quota) = quota
                && n_active() >= quota
            {
                return Err(SubmitError::Quota(quota));
            }
        }
        for artifact in job.spec.iter().flat_map(crate::artifacts::inputs_of) {
            self.artifacts.path(&artifact.sha256)?;
        }
        let submitted = self.with_store(move |store| store.submit(job)).await?;
        if !submitted.existing {
            self.announce(submitted.job.last_event);
            self.admit(&submitted.job);
        }
        Ok(submitted)
    }

    /// Cancels a job. It has ended when this returns; the work on it stops within a second.
    ///
    /// # Errors
    /// [`StoreError::Ended`] and others.
    pub async fn cancel(&self, id: &str) -> Result<Job, StoreError> {
        let mut cancelled = failure(
            FailureClass::Cancelled,
            Stage::Prove,
            "job.cancelled",
            "cancelled on request",
        );
        cancelled.stage.clear();
        self.overrule(id, cancelled).await
    }

    /// Ends a job, whoever works on it.
    async fn overrule(&self, id: &str, failure: Failure) -> Result<Job, StoreError> {
        let job = self
            .change(id, Fence::Any, Renew::New, move |stored| end(stored, &failure))
            .await?;
        let is_idle = {
            let mut state = self.state();
            let waited = state.waiting.remove(id).or_else(|| state.ready.remove(id));
            if let Some(active) = state.active.get(id) {
                active.stop.send_replace(true);
            }
            waited.is_some()
        };
        if is_idle {
            self.forget(id);
        }
        self.wake.notify_waiters();
        Ok(job)
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

    /// Removes files that no job refers to and that are older than `age`; gives how many went.
    ///
    /// # Errors
    /// [`SubmitError`] of the kinds of store and artifacts.
    pub async fn collect(&self, age: Duration) -> Result<usize, SubmitError> {
        let _no_submission = self.collecting.write().await;
        let referred = self.with_store(|store| store.references()).await?;
        let artifacts = Arc::clone(&self.artifacts);
        let collected = blocking(move || artifacts.collect(&referred, age)).await;
        Ok(collected?)
    }

    /// The devices.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        self.state().devices.clone()
    }

    /// What the queue and the devices are like now.
    fn load(&self) -> Load {
        let state = self.state();
        let oldest = state
            .waiting
            .oldest()
            .into_iter()
            .chain(state.ready.oldest())
            .min();
        let device = |info: &DeviceInfo| (info.name.clone(), !info.description.is_empty(), info.starts);
        Load {
            waiting: state.waiting.len() + state.ready.len() + state.preparing,
            proving: state.proving,
            oldest: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
            devices: state.devices.iter().map(device).collect(),
        }
    }

    /// The metrics, in Prometheus' format.
    pub fn metrics_page(&self) -> String {
        self.metrics.page(&self.load())
    }

    /// Why jobs are not taken or not proved now; nothing, if they are.
    pub async fn why_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push("the service is draining".to_owned());
        }
        let is_ready = |(_, ready, _): &(String, bool, u32)| *ready;
        if !self.load().devices.iter().any(is_ready) {
            reasons.push("no device has a worker that is ready".to_owned());
        }
        let nothing = Listing {
            page_size: 1,
            ..Listing::default()
        };
        if let Err(error) = self.with_store(move |store| store.list(&nothing)).await {
            reasons.push(format!("the store cannot be read: {error}"));
        }
        reasons
    }

    /// Whether the service is about to end.
    pub fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Share of a job's proving that is done, if it is on a device.
    pub fn progress(&self, id: &str) -> Option<f64> {
        self.state().active.get(id).map(|active| active.progress)
    }

    /// Tells of every new event by the latest cursor.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.last_event.subscribe()
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
        blocking(move || action(&*store)).await
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
        self.announce(job.last_event);
        if job.state().has_ended() {
            let deadline = job.spec.as_ref().and_then(|spec| spec.deadline);
            let deadline = deadline.and_then(|deadline| SystemTime::try_from(deadline).ok());
            let slack =
                deadline.map(|deadline| deadline.duration_since(SystemTime::now()).unwrap_or_default());
            self.metrics.job_ended(job.state(), job.failure.as_ref(), slack);
        }
        Ok(job)
    }

    /// Sends a job back to the start, whoever worked on it.
    async fn receive_again(&self, id: &str) -> Result<Job, StoreError> {
        let receive = |stored: &mut StoredJob| {
            let job = stored.job.get_or_insert_default();
            job.set_state(JobState::Received);
            job.stage.clear();
            job.progress = 0.0;
        };
        self.change(id, Fence::Any, Renew::New, receive).await
    }

    /// Puts a job that is recorded where it will be taken from.
    fn admit(&self, job: &Job) {
        let deadline = job.spec.as_ref().and_then(|spec| spec.deadline);
        let active = Active {
            stop: watch::Sender::new(false),
            deadline: deadline.and_then(|deadline| SystemTime::try_from(deadline).ok()),
            tenant: job.tenant.clone(),
            progress: 0.0,
            stage: String::new(),
            prepared: None,
        };
        let mut state = self.state();
        state.active.insert(job.id.clone(), active);
        state.waiting.push(entry(job));
        drop(state);
        self.wake.notify_waiters();
    }

    /// Forgets a job that has ended, and removes its files.
    fn forget(&self, id: &str) {
        self.state().active.remove(id);
        let folder = self.folder(id);
        if folder.exists()
            && let Err(why) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!(%why, id, "the files of an attempt stay until the next start");
        }
        self.wake.notify_waiters();
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
                    self.forget(id);
                    return self.admit(&job);
                }
                Err(again) => error = again,
            }
        }
    }

    /// Ends a job under a lease, or gives it another attempt if that may help.
    async fn fail(&self, id: &str, lease: u64, failure: Failure) -> Result<(), StoreError> {
        tracing::info!(
            id,
            code = failure.code,
            message = failure.message,
            "an attempt failed"
        );
        self.metrics.attempt_failed(&failure);
        let most = self.settings.max_attempts;
        let job = self
            .change(id, Fence::Lease(lease), Renew::Keep, move |stored| {
                let job = stored.job.get_or_insert_default();
                job.failed_attempts += u32::from(failure.retryable);
                if failure.retryable && job.failed_attempts < most {
                    job.set_state(JobState::Received);
                    job.stage.clear();
                } else {
                    end(stored, &failure);
                }
            })
            .await?;
        self.forget(id);
        if job.state() == JobState::Received {
            self.admit(&job);
        }
        Ok(())
    }

    async fn watch_deadlines(self: Arc<Self>) {
        loop {
            tokio::time::sleep(DEADLINE_TICK).await;
            let now = SystemTime::now();
            let is_late = |active: &Active| active.deadline.is_some_and(|deadline| deadline <= now);
            let late: Vec<String> = {
                let state = self.state();
                let late = state.active.iter().filter(|(_, active)| is_late(active));
                late.map(|(id, _)| id.clone()).collect()
            };
            for id in late {
                let passed = failure(
                    FailureClass::Deadline,
                    Stage::Prove,
                    "job.deadline",
                    "the deadline passed",
                );
                if let Err(error) = self.overrule(&id, passed).await {
                    tracing::debug!(%error, id, "a deadline passed");
                }
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

    fn announce(&self, cursor: u64) {
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

/// The job's place in a queue.
fn entry(job: &Job) -> Entry {
    Entry {
        id: job.id.clone(),
        lease: job.lease_epoch,
        tenant: job.tenant.clone(),
        priority: job.spec.as_ref().map_or(0, |spec| spec.priority),
        since: Instant::now(),
    }
}

/// Ends a job with a failure.
fn end(stored: &mut StoredJob, failure: &Failure) {
    let job = stored.job.get_or_insert_default();
    job.set_state(match failure.class() {
        FailureClass::InputInvalid | FailureClass::Unsupported => JobState::Rejected,
        FailureClass::Cancelled => JobState::Cancelled,
        FailureClass::Deadline => JobState::Expired,
        _ => JobState::Failed,
    });
    job.failure = Some(failure.clone());
}

/// Does what blocks, away from the threads that serve.
async fn blocking<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(action).await {
        Ok(value) => value,
        // It cannot be cancelled: it panicked, and so do we.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
