//! What comes in: jobs that are taken or refused, and the files that they come with.

use super::{Scheduler, blocking};
use crate::artifacts::inputs_of;
use crate::protocol::{Job, JobSpec};
use crate::store::{StoreError, Submitted};
use std::sync::Arc;
use std::time::Duration;

/// Why a job is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many wait.
    #[error("{0} jobs wait already")]
    Full(usize),
    /// The tenant has as many jobs as it may.
    #[error("the tenant has {0} active jobs already")]
    Quota(usize),
    /// The deadline is too soon.
    #[error(
        "the jobs that are here take another {} seconds, and the deadline is in {}",
        backlog.as_secs(),
        left.as_secs()
    )]
    Busy {
        /// Time to the deadline.
        left: Duration,
        /// Time that the jobs that are here take.
        backlog: Duration,
    },
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
            SubmitError::Busy { .. } => "deadline",
            SubmitError::Draining => "draining",
            SubmitError::Artifact(_) => "artifact",
            SubmitError::Store(_) => "store",
        }
    }
}

impl Scheduler {
    /// Takes a job, unless its tenant has `quota` active ones: it is recorded, durably, when this returns.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, job: Job, quota: Option<usize>) -> Result<Submitted, SubmitError> {
        let submitted = self.take(job, quota).await;
        if let Err(error) = &submitted {
            self.metrics.refused(error.name());
        }
        submitted
    }

    async fn take(&self, job: Job, quota: Option<usize>) -> Result<Submitted, SubmitError> {
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
        self.check_deadline(job.spec.as_ref().unwrap_or(&JobSpec::default()))?;
        for artifact in job.spec.iter().flat_map(inputs_of) {
            self.artifacts.path(&artifact.sha256)?;
        }
        let submitted = self.with_store(move |store| store.submit(job)).await?;
        if !submitted.existing {
            self.announce(&submitted.job);
            self.admit(&submitted.job);
        }
        Ok(submitted)
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
}
