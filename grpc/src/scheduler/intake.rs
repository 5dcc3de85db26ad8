//! What comes in: jobs that are taken or refused, and the files that they come with.

use super::commitments::Missed;
use super::{Scheduler, to_its_end};
use crate::artifacts::inputs_of;
use crate::protocol::{Job, JobSpec, JobState};
use crate::store::{StoreError, Submitted};
use std::sync::Arc;
use std::time::SystemTime;

/// Why a job is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many wait.
    #[error("{0} jobs wait already")]
    Full(usize),
    /// The tenant has as many jobs as it may.
    #[error("the tenant has {0} active jobs already")]
    Quota(usize),
    /// Its deadline is over.
    #[error("deadline: it has passed")]
    Late,
    /// A deadline would be missed.
    #[error(
        "{} in {} seconds, but by the pace of the latest proofs it {} in {}: come again later, or with {}",
        if .0.is_own { "the deadline is" } else { "a job that was accepted is due" },
        .0.left.as_secs(),
        if .0.is_own { "would be done" } else { "would then be done" },
        .0.needed.as_secs(),
        if .0.is_own { "a later deadline" } else { "a lower priority" },
    )]
    Busy(Missed),
    /// It has a deadline, and nobody knows when devices take jobs again.
    #[error("no deadline can be promised while an operator has paused the devices: {0}")]
    Paused(String),
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

impl SubmitError {
    /// The reason as metrics have it.
    fn name(&self) -> &'static str {
        match self {
            SubmitError::Full(_) => "full",
            SubmitError::Quota(_) => "quota",
            SubmitError::Late => "late",
            SubmitError::Busy { .. } => "deadline",
            SubmitError::Paused(_) => "paused",
            SubmitError::Draining => "draining",
            SubmitError::Artifact(_) => "artifact",
            SubmitError::Store(_) => "store",
        }
    }
}

impl Scheduler {
    /// Takes a job, unless its tenant has `quota` active ones: it is recorded, durably, when this returns. Whether anybody
    /// waits for that or not: a job that is recorded is worked on.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(self: &Arc<Self>, job: Job, quota: Option<usize>) -> Result<Submitted, SubmitError> {
        let scheduler = Arc::clone(self);
        let submitted = to_its_end(async move { scheduler.take(job, quota).await }).await;
        if let Err(error) = &submitted {
            self.metrics.refused(error.name());
        }
        submitted
    }

    async fn take(&self, job: Job, quota: Option<usize>) -> Result<Submitted, SubmitError> {
        let _no_collection = self.collecting.read().await;
        // One after the other: what is promised to one is known to the next, and no job is admitted twice.
        let _no_other = self.admitting.lock().await;
        // Who repeats a submission is told of the first, however much there is to do.
        if let Some(submitted) = self.submitted_before(&job).await? {
            return Ok(submitted);
        }
        {
            let state = self.state();
            if state.draining {
                return Err(SubmitError::Draining);
            }
            if let Some(reason) = &state.paused
                && job.spec.as_ref().is_some_and(|spec| spec.deadline.is_some())
            {
                return Err(SubmitError::Paused(reason.clone()));
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
        let deadline = job.spec.as_ref().and_then(|spec| spec.deadline);
        let deadline = deadline.and_then(|deadline| SystemTime::try_from(deadline).ok());
        if deadline.is_some_and(|deadline| deadline <= SystemTime::now()) {
            return Err(SubmitError::Late);
        }
        self.check_commitments(job.spec.as_ref().unwrap_or(&JobSpec::default()))?;
        for artifact in job.spec.iter().flat_map(inputs_of) {
            self.artifacts.path(&job.tenant, &artifact.sha256)?;
        }
        let submitted = self.with_store(move |store| store.submit(job)).await?;
        if !submitted.existing {
            self.announce(&submitted.job);
            self.admit(&submitted.job);
        }
        Ok(submitted)
    }

    /// Admits jobs that nobody knows of: a commit that failed may have been made nevertheless.
    pub(super) async fn admit_unknown(&self) -> Result<(), StoreError> {
        let _no_other = self.admitting.lock().await;
        for job in self.with_store(|store| store.active()).await? {
            let is_known = self.state().active.contains_key(&job.id);
            if !is_known && job.state() == JobState::Received {
                self.announce(&job);
                self.admit(&job);
            }
        }
        Ok(())
    }

    /// The job of the same tenant with the same dedup key, if there is one.
    async fn submitted_before(&self, job: &Job) -> Result<Option<Submitted>, StoreError> {
        let key = job.spec.as_ref().map_or("", |spec| &spec.dedup_key).to_owned();
        if key.is_empty() {
            return Ok(None);
        }
        let tenant = job.tenant.clone();
        let found = self
            .with_store(move |store| store.by_dedup_key(&tenant, &key))
            .await?;
        let Some(job) = found.and_then(|stored| stored.job) else {
            return Ok(None);
        };
        // A commit that failed may have been made nevertheless: then nobody works on the job yet.
        let is_known = self.state().active.contains_key(&job.id);
        if !is_known && job.state() == JobState::Received {
            self.announce(&job);
            self.admit(&job);
        }
        Ok(Some(Submitted { job, existing: true }))
    }
}
