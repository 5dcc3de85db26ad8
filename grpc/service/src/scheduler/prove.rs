//! Drives the devices: one worker process each, restarted whenever it dies, proving one job after another.

use super::day::{Held, too_long_for_a_day};
use super::queue::Entry;
use super::stall::{Lost, keep_asking};
use super::{Active, Scheduler, State, entry};
use crate::crash;
use crate::failure::{Stage, failure};
use crate::internal::{Progress, Prove, Proved, Ready, worker_report::Report, worker_request::Request};
use crate::job::Job;
use crate::log::seconds;
use crate::processes::Worker;
use crate::pulse::{Process, Pulse};
use crate::store::{Fence, Renew, StoreError};
use quarry_client::protocol::{Failure, FailureClass, JobState};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Grace period before a worker that must stop is killed; cancelling takes effect within a second.
const GRACE: Duration = Duration::from_millis(500);
/// Backoff before a worker is restarted: first pause, doubled each time, up to the longest. A proof resets it.
const MIN_RESTART_PAUSE: Duration = Duration::from_millis(100);
const MAX_RESTART_PAUSE: Duration = Duration::from_secs(30);

/// Outcome of the work on a job.
enum Outcome {
    /// The proof was made.
    Proved(Proved),
    /// The attempt failed.
    Failed(Failure),
    /// The proof did not start because other processes use the device's memory.
    NoRoom(Failure),
    /// The job was cancelled or overruled.
    Stopped,
    /// The device time limit was exceeded.
    Late,
    /// The worker made no progress for this time.
    Stalled(Duration),
}

impl Scheduler {
    /// Keeps a worker running for a device and feeds it jobs.
    pub(super) async fn drive_device(self: Arc<Self>, index: usize) {
        let Some(name) = self.settings.devices.get(index) else {
            return;
        };
        self.fail_left_over(index).await;
        let mut pause = MIN_RESTART_PAUSE;
        while !self.is_draining() {
            let worker = match Worker::start(name).await {
                Ok(worker) => worker,
                Err(why) => {
                    tracing::error!(device = name, %why, "the worker failed to start");
                    self.on_device(index, |info| info.note = why.to_string());
                    sleep(pause).await;
                    pause = (2 * pause).min(MAX_RESTART_PAUSE);
                    continue;
                }
            };
            let Ready {
                description,
                fallback,
                memory_bytes,
                host_memory_bytes,
            } = &worker.device;
            tracing::info!(device = name, description, "the worker is ready");
            if !fallback.is_empty() {
                tracing::warn!(
                    device = name,
                    why = fallback,
                    "no GPU is usable: proving on the CPU"
                );
            }
            self.metrics.worker_started(name, !fallback.is_empty());
            self.on_device(index, |info| {
                info.description.clone_from(description);
                info.note.clone_from(fallback);
                info.memory_bytes = *memory_bytes;
                info.host_memory_bytes = *host_memory_bytes;
                info.starts += 1;
            });
            let watched = Process::Worker(name.clone());
            let pulse = self.pulses.begin(watched, self.settings.max_stall);
            let has_proved = self.use_worker(index, name, worker, &pulse).await;
            drop(pulse);
            if has_proved {
                pause = MIN_RESTART_PAUSE;
            }
            self.on_device(index, |info| {
                info.description.clear();
                info.note = "its worker has ended".to_owned();
            });
            sleep(pause).await;
            pause = (2 * pause).min(MAX_RESTART_PAUSE);
        }
    }

    /// Counts a failed attempt of the job that a device had when its loop panicked.
    async fn fail_left_over(&self, index: usize) {
        self.state().day.end(index);
        let mut left_over = String::new();
        self.on_device(index, |info| {
            info.description.clear();
            left_over = std::mem::take(&mut info.job_id);
        });
        if !left_over.is_empty() {
            self.fail_panicked(&left_over).await;
        }
    }

    /// Proves jobs with a worker until it dies or the service drains; returns whether it made a proof.
    async fn use_worker(
        self: &Arc<Self>,
        index: usize,
        name: &str,
        mut worker: Worker,
        pulse: &Pulse,
    ) -> bool {
        let started = Instant::now();
        let mut has_proved = false;
        loop {
            let next = self.when(|state| {
                if state.draining {
                    return Some(None);
                }
                if self.paused().is_some() || state.store_failed.is_some() {
                    return None;
                }
                let next = state.next_for(index, &self.held(state))?;
                let expected = state.active.get(&next.id).map(self.expected());
                state.day.begin(index, &next.tenant, expected.unwrap_or_default());
                if let Some(info) = state.devices.get_mut(index) {
                    info.job_id.clone_from(&next.id);
                }
                Some(Some((next, state.proving.take())))
            });
            let next = tokio::select! {
                next = next => next,
                lost = keep_asking(&mut worker, pulse) => {
                    end_lost(name, worker, lost, started).await;
                    return has_proved;
                }
            };
            // The service drains.
            let Some((next, place)) = next else {
                return has_proved;
            };
            let (id, tenant) = (next.id.clone(), next.tenant.clone());
            // Another job can be prepared now.
            self.wake.notify_waiters();
            let begin = Instant::now();
            let (survivor, result) = self.prove(worker, index, next, pulse).await;
            pulse.beat(self.settings.max_stall);
            has_proved |= matches!(result, Ok(Some(_)));
            self.metrics.was_busy(name, &tenant, begin.elapsed());
            self.count_device_time(index, &tenant, begin.elapsed()).await;
            self.on_device(index, |info| info.job_id.clear());
            // The proof is verified and released while the device takes the next job.
            let (scheduler, device) = (Arc::clone(self), name.to_owned());
            self.work_on(id, place, async move {
                match result? {
                    Some((job, proved)) => scheduler.release(&job, &device, proved).await,
                    None => Ok(()),
                }
            });
            match survivor {
                Some(survivor) => worker = survivor,
                None => return has_proved,
            }
        }
    }

    /// Why a job cannot be proved on a device, or at all.
    fn why_not(&self, next: &Entry, index: usize) -> Option<Failure> {
        let (why, work) = {
            let state = self.state();
            let work = state.active.get(&next.id).and_then(Active::work);
            (state.why_not_on(&next.id, index), work)
        };
        let too_large = |why| failure(FailureClass::Resource, Stage::Prove, "limits.memory_plan", why);
        // A reload may have lowered the limit since the preparation.
        why.map(too_large)
            .or_else(|| self.check_day(Stage::Prove, &next.tenant, work?).err())
    }

    /// Proves a job on the worker; returns the worker if it is still alive, and the proof if there is one.
    async fn prove(
        &self,
        mut worker: Worker,
        index: usize,
        next: Entry,
        pulse: &Pulse,
    ) -> (Option<Worker>, Result<Option<(Job, Proved)>, StoreError>) {
        let id = &*next.id;
        if let Some(failure) = self.why_not(&next, index) {
            let failed = self.fail(id, Fence::Lease(next.lease), failure).await;
            return (Some(worker), failed.map(|()| None));
        }
        let running = |job: &mut Job| {
            job.state = JobState::Running;
            job.progress = 0.0;
        };
        let leased = self
            .change(id, Fence::Lease(next.lease), Renew::New, running)
            .await;
        let job = match leased {
            Ok(job) => job,
            Err(error) => return (Some(worker), Err(error)),
        };
        crash::point("prove.leased");
        let lease = job.lease;
        let (annotations, digests) = {
            let state = self.state();
            let prepared = state.active.get(id).and_then(|active| active.prepared.as_ref());
            let handed = prepared.map(|prepared| (prepared.annotations, prepared.digests.clone()));
            handed.unwrap_or_default()
        };
        let request = Request::Prove(Prove {
            lease,
            folder: self.scratch.folder(id).display().to_string(),
            annotations,
            digests,
        });
        worker.ask(request).await;
        pulse.beat(self.max_silence(&worker.device.description, self.work(id), ""));
        let limits = self.limits(job.spec.limits);
        let per_day = self.day_limit(&job.tenant).unwrap_or(u64::MAX);
        let time = Duration::from_secs(limits.max_device_seconds.min(per_day));
        let outcome = tokio::select! {
            outcome = self.follow(&mut worker, id, lease, pulse) => outcome,
            () = self.stopped(id) => Some(Outcome::Stopped),
            () = sleep(time) => Some(Outcome::Late),
        };
        match outcome {
            Some(Outcome::Proved(proved)) => {
                crash::point("prove.done");
                (Some(worker), Ok(Some((job, proved))))
            }
            Some(Outcome::Failed(failure)) => {
                // After a driver failure the process cannot be used again.
                let worker = match failure.class() {
                    FailureClass::InputInvalid | FailureClass::Internal => Some(worker),
                    _ => end(worker, &failure).await,
                };
                (
                    worker,
                    self.fail(id, Fence::Lease(lease), failure).await.map(|()| None),
                )
            }
            Some(Outcome::NoRoom(failure)) => {
                let worker = end(worker, &failure).await;
                (worker, self.postpone(id, lease).await.map(|()| None))
            }
            Some(Outcome::Late) => {
                let worker = self.stop(worker, lease).await;
                let message = format!("it took more than {} seconds", time.as_secs());
                let failure = match per_day < limits.max_device_seconds {
                    true => too_long_for_a_day(Stage::Prove, &message, per_day),
                    false => {
                        let (class, code) = (FailureClass::Resource, "limits.device_time");
                        failure(class, Stage::Prove, code, message)
                    }
                };
                (
                    worker,
                    self.fail(id, Fence::Lease(lease), failure).await.map(|()| None),
                )
            }
            Some(Outcome::Stalled(time)) => {
                let ended = worker.end_hung().await;
                let message = format!(
                    "the worker made no progress for {} seconds and was ended",
                    time.as_secs()
                );
                tracing::error!(?ended, id, message);
                let failure = failure(FailureClass::Device, Stage::Prove, "worker.stalled", message);
                (
                    None,
                    self.fail(id, Fence::Lease(lease), failure).await.map(|()| None),
                )
            }
            Some(Outcome::Stopped) => {
                let worker = self.stop(worker, lease).await;
                self.forget(id);
                (worker, Ok(None))
            }
            None => {
                let ended = worker.end().await;
                let failure = failure(
                    FailureClass::Device,
                    Stage::Prove,
                    "worker.died",
                    format!("the worker died: {ended}"),
                );
                (
                    None,
                    self.fail(id, Fence::Lease(lease), failure).await.map(|()| None),
                )
            }
        }
    }

    /// Follows the work under a lease to its end; `None` if the worker dies. Reports under other leases are ignored.
    async fn follow(&self, worker: &mut Worker, id: &str, lease: u64, pulse: &Pulse) -> Option<Outcome> {
        let work = self.work(id);
        loop {
            let report = tokio::select! {
                report = worker.report() => report?,
                () = pulse.stalled() => return Some(Outcome::Stalled(pulse.limit())),
            };
            match report {
                Report::Progress(progress) if progress.lease == lease => {
                    pulse.beat(self.max_silence(&worker.device.description, work, &progress.stage));
                    if self.tell(id, &progress).await.is_err() {
                        return Some(Outcome::Stopped);
                    }
                }
                Report::Proved(proved) if proved.lease == lease => return Some(Outcome::Proved(proved)),
                Report::Failed(failed) if failed.lease == lease => {
                    let failure = failed.failure.unwrap_or_default();
                    return Some(match failed.no_room {
                        true => Outcome::NoRoom(failure),
                        false => Outcome::Failed(failure),
                    });
                }
                Report::Ready(_)
                | Report::Progress(_)
                | Report::Proved(_)
                | Report::Failed(_)
                | Report::Pong(_) => {}
            }
        }
    }

    /// Queues a job for a device again. This is not a failed attempt, since no work was begun.
    async fn postpone(&self, id: &str, lease: u64) -> Result<(), StoreError> {
        let queued = |job: &mut Job| {
            job.state = JobState::Queued;
            job.stage.clear();
        };
        let job = self.change(id, Fence::Lease(lease), Renew::Keep, queued).await?;
        let mut state = self.state();
        if let Some(active) = state.active.get_mut(id) {
            active.stage.clear();
            active.progress = 0.0;
            state.ready.push(entry(&job));
        }
        Ok(())
    }

    /// Records a new phase; progress within a phase is only kept in memory. An error means that the lease is no longer
    /// valid.
    async fn tell(&self, id: &str, progress: &Progress) -> Result<(), StoreError> {
        let is_new = {
            let mut state = self.state();
            let active = state.active.get_mut(id);
            let active = active.ok_or_else(|| StoreError::NotFound(id.to_owned()))?;
            active.progress = progress.progress;
            active.heard = Instant::now();
            let is_new = active.stage != progress.stage;
            if is_new {
                active.stage.clone_from(&progress.stage);
                active.stage_since = Instant::now();
            }
            is_new
        };
        if is_new {
            let (stage, done) = (progress.stage.clone(), progress.progress);
            let told = self
                .change(id, Fence::Lease(progress.lease), Renew::Keep, move |job| {
                    job.stage.clone_from(&stage);
                    job.progress = done;
                })
                .await;
            match told {
                Err(error @ (StoreError::Stale { .. } | StoreError::Ended(_) | StoreError::NotFound(_))) => {
                    return Err(error);
                }
                Err(error) => tracing::error!(%error, id, "cannot record a phase"),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Asks a worker to stop the work under a lease, and kills it if it does not stop in time.
    async fn stop(&self, mut worker: Worker, lease: u64) -> Option<Worker> {
        worker.ask(Request::Cancel(lease)).await;
        let stopped = async {
            loop {
                match worker.report().await {
                    Some(Report::Proved(proved)) if proved.lease == lease => return true,
                    Some(Report::Failed(failed)) if failed.lease == lease => return true,
                    Some(_) => {}
                    None => return false,
                }
            }
        };
        if timeout(GRACE, stopped).await == Ok(true) {
            return Some(worker);
        }
        let killed = worker.kill().await;
        tracing::warn!(?killed, "the worker did not stop in time and was killed");
        None
    }

    /// The work of a job's proof, once known.
    fn work(&self, id: &str) -> Option<f64> {
        self.state().active.get(id)?.work()
    }

    fn on_device(&self, index: usize, change: impl FnOnce(&mut quarry_client::protocol::DeviceInfo)) {
        if let Some(device) = self.state().devices.get_mut(index) {
            change(device);
        }
    }
}

impl State {
    /// Takes the next job for a device from the queue, but none that is held for another day.
    pub(super) fn next_for(&mut self, index: usize, held: &Held) -> Option<Entry> {
        let belong = self
            .ready
            .iter()
            .filter(|entry| !held.has(entry) && self.belongs_on(&entry.id, index));
        let belong: HashSet<String> = belong.map(|entry| entry.id.clone()).collect();
        self.ready.pop(Instant::now(), |entry| belong.contains(&entry.id))
    }
}

/// Ends an idle worker that is lost.
async fn end_lost(name: &str, worker: Worker, lost: Lost, started: Instant) {
    let seconds = seconds(started.elapsed());
    match lost {
        Lost::Died => {
            let ended = worker.end().await;
            tracing::warn!(device = name, ended, seconds, "the worker has ended");
        }
        Lost::Hangs => {
            let ended = worker.end_hung().await;
            tracing::error!(
                device = name,
                ?ended,
                seconds,
                "the idle worker did not answer and was ended"
            );
        }
    }
}

/// Kills a worker whose device failed; a new process initializes the device again.
async fn end(mut worker: Worker, why: &Failure) -> Option<Worker> {
    let ended = worker.kill().await;
    tracing::warn!(
        ?ended,
        why = why.message,
        "the device failed: restarting its worker"
    );
    None
}
