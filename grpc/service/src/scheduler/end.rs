//! Ends jobs without a proof: cancelled, expired or failed.

use super::{Active, Scheduler, to_its_end};
use crate::child::wrap::FIRST_PROOF_LOST;
use crate::config::lane_of;
use crate::failure::{Stage, failure, is_ours};
use crate::job::Job;
use crate::log::non_empty;
use crate::processes::STOPPED;
use crate::store::{Fence, Renew, StoreError};
use quarry_client::protocol::{Failure, FailureClass, JobState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// Interval between deadline checks.
const DEADLINE_TICK: Duration = Duration::from_millis(500);
/// Longest wait for the last task of a job that has ended.
const LAST_TASK: Duration = Duration::from_secs(10);

impl Scheduler {
    /// Cancels a job. The job has ended when this returns; its work stops within a second.
    ///
    /// # Errors
    /// [`StoreError::Ended`] and others.
    pub async fn cancel(self: &Arc<Self>, id: &str) -> Result<Job, StoreError> {
        let mut cancelled = failure(
            FailureClass::Cancelled,
            Stage::Prove,
            "job.cancelled",
            "cancelled on request",
        );
        cancelled.stage.clear();
        let tenant = self.state().active.get(id).map(|active| active.tenant.clone());
        let turn = self.changes.take(lane_of(&tenant.unwrap_or_default())).await;
        let (scheduler, id) = (Arc::clone(self), id.to_owned());
        to_its_end(async move {
            let _turn = turn;
            scheduler.overrule(&id, cancelled).await
        })
        .await
    }

    /// Deletes a job that has ended, with its result and its events. Its files go when files of no job are collected.
    ///
    /// # Errors
    /// [`StoreError::Active`] and others.
    pub async fn delete(self: &Arc<Self>, id: &str) -> Result<(), StoreError> {
        let (scheduler, id) = (Arc::clone(self), id.to_owned());
        to_its_end(async move {
            let wanted = id.clone();
            let job = scheduler.with_store(move |store| store.get(&wanted)).await?;
            if !job.has_ended() {
                return Err(StoreError::Active(id));
            }
            scheduler.last_task(&id).await;
            let _turn = scheduler.changes.take(lane_of(&job.tenant)).await;
            let wanted = id.clone();
            let job = scheduler.with_store(move |store| store.delete(&wanted)).await?;
            tracing::info!(id, tenant = non_empty(&job.tenant), "job deleted");
            scheduler.state().forget_ended(&id);
            // Watchers find that it is gone.
            scheduler.announcer.wake_for(&id);
            Ok(())
        })
        .await
    }

    /// Waits until the last task of a job that has ended is done with it; returns whether that was soon.
    pub(super) async fn last_task(&self, id: &str) -> bool {
        let done = self.when(|state| (!state.active.contains_key(id)).then_some(()));
        timeout(LAST_TASK, done).await.is_ok()
    }

    /// Ends a job, whatever its current lease.
    async fn overrule(&self, id: &str, failure: Failure) -> Result<Job, StoreError> {
        let job = self
            .change(id, Fence::Any, Renew::New, move |job| job.end(failure.clone()))
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

    /// Ends a job, or queues it for another attempt if the failure is retryable.
    ///
    /// # Errors
    /// [`StoreError`], also if the data is not in its place: then no attempt is at fault, and none is counted.
    pub(super) async fn fail(&self, id: &str, fence: Fence, failure: Failure) -> Result<(), StoreError> {
        if is_ours(&failure) {
            self.look_for_data()?;
        }
        let why = Some(&*failure.message).filter(|_| is_ours(&failure));
        tracing::info!(id, code = failure.code, why, "an attempt failed");
        self.metrics.attempt_failed(&failure);
        let most = self.settings.max_attempts;
        let job = self
            .change(id, fence, Renew::Keep, move |job| {
                if failure.retryable && failure.code != STOPPED {
                    job.count_failure(failure.clone());
                }
                if failure.code == FIRST_PROOF_LOST {
                    job.back_to_first_leg();
                }
                if failure.retryable && job.failed_attempts < job.max_attempts(most) {
                    job.reset();
                } else {
                    job.end(failure.clone());
                }
            })
            .await?;
        if job.state == JobState::Received {
            self.scratch.clear(id);
            self.admit(&job);
        } else {
            self.forget(id);
        }
        Ok(())
    }

    /// Ends jobs whose deadline has passed.
    pub(super) async fn watch_deadlines(self: Arc<Self>) {
        loop {
            tokio::time::sleep(DEADLINE_TICK).await;
            // A job's backoff may be over, and there may be disk space again.
            self.wake.notify_waiters();
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
                    tracing::debug!(%error, id, "cannot expire the job");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{JobStore, RedbStore};
    use crate::text::MAX_STORED_BYTES;
    use quarry_client::protocol::JobSpec;

    #[test]
    fn a_message_of_megabytes_does_not_grow_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = RedbStore::open(&path).unwrap();
        let hint = "x".repeat(20 << 20);
        for _ in 0..3 {
            let job = store.submit("", JobSpec::default().into(), None).unwrap().job;
            let unknown = || failure(FailureClass::Unsupported, Stage::Prepare, "input.hint", &hint);
            let ended = store.change(&job.id, Fence::Any, Renew::Keep, &mut |job| job.end(unknown()));
            assert_eq!(ended.unwrap().failure.unwrap().message.len(), MAX_STORED_BYTES);
        }
        drop(store);
        assert!(path.metadata().unwrap().len() < 20 << 20);
    }
}
