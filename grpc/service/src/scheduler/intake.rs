//! Admission: accepts or rejects submitted jobs and checks that their input files exist.

use super::commitments::Missed;
use super::{Scheduler, to_its_end};
use crate::config::{TenantLimits, lane_of};
use crate::job::{Asked, Job, Spec};
use crate::quota::Exceeded;
use crate::store::{StoreError, Submitted};
use quarry_client::block::BlockError;
use quarry_client::protocol::JobState;
use std::sync::Arc;
use std::time::SystemTime;

/// Why a submission is rejected.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full: {0} jobs are waiting")]
    Full(usize),
    /// The tenant has reached one of its limits.
    #[error(transparent)]
    Quota(#[from] Exceeded),
    /// The tenant may not give its jobs such a priority.
    #[error("priority: {asked} is more than the tenant may ask for: at most {most} (max_priority)")]
    Priority {
        /// Priority of the job.
        asked: i32,
        /// The tenant's limit.
        most: i32,
    },
    /// The job's deadline has passed.
    #[error("deadline: it has already passed")]
    Late,
    /// The job would miss its deadline, or make an accepted job miss its own.
    #[error(
        "{} in {} seconds, but at the pace of the latest proofs {} in {}: retry later, or with {}",
        if .0.is_own { "the deadline is" } else { "an accepted job is due" },
        .0.left.as_secs(),
        if .0.is_own { "the job would be done" } else { "it would then be done" },
        .0.needed.as_secs(),
        if .0.is_own { "a later deadline" } else { "a lower priority" },
    )]
    Busy(Missed),
    /// The job has a deadline, and the devices are paused for an unknown time.
    #[error("jobs with a deadline are not accepted while an operator has paused the devices: {0}")]
    Paused(String),
    /// The service is draining.
    #[error("the service is draining")]
    Draining,
    /// The idempotency key belongs to a job with another specification.
    #[error(
        "dedup_key: job {id} has this key and another specification \
         (digest {recorded}, here {new}; they differ in {}): repeat that specification, or take another key",
        .fields.join(", "),
    )]
    Reused {
        /// The job.
        id: String,
        /// Digest of its specification.
        recorded: String,
        /// Digest of the refused specification.
        new: String,
        /// Fields in which they differ.
        fields: Vec<&'static str>,
    },
    /// The block that the job refers to is not known to be signed by its sequencer.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// An input file is missing.
    #[error(transparent)]
    Artifact(#[from] crate::artifacts::ArtifactError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    /// The reason's label in the metrics.
    pub fn name(&self) -> &'static str {
        match self {
            SubmitError::Full(_) => "full",
            SubmitError::Quota(_) => "quota",
            SubmitError::Priority { .. } => "priority",
            SubmitError::Late => "late",
            SubmitError::Busy { .. } => "deadline",
            SubmitError::Paused(_) => "paused",
            SubmitError::Draining => "draining",
            SubmitError::Reused { .. } => "reused",
            SubmitError::Block(_) => "block",
            SubmitError::Artifact(_) => "artifact",
            SubmitError::Store(StoreError::Nonce(_)) => "nonce",
            SubmitError::Store(_) => "store",
        }
    }
}

impl Scheduler {
    /// Rejects a specification whose inputs are not all there.
    ///
    /// # Errors
    /// [`SubmitError::Artifact`].
    pub fn check_inputs(&self, tenant: &str, spec: &Spec) -> Result<(), SubmitError> {
        for artifact in spec.inputs() {
            self.artifacts.path(tenant, &artifact.sha256)?;
        }
        Ok(())
    }

    /// Accepts a job if its tenant is within its limits. The job is recorded durably when this returns.
    /// A recorded job is processed even if the caller is gone.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(
        self: &Arc<Self>,
        tenant: String,
        spec: Spec,
        limits: TenantLimits,
        asked: Option<Asked>,
    ) -> Result<Submitted, SubmitError> {
        // A caller that goes away while it waits submits nothing.
        let turn = self.changes.take(lane_of(&tenant)).await;
        let scheduler = Arc::clone(self);
        let submitted = to_its_end(async move {
            let _turn = turn;
            // Boxed: a specification is moved more than once on its way to the store.
            Box::pin(scheduler.take(tenant, spec, limits, asked)).await
        });
        let submitted = submitted.await;
        if let Err(error) = &submitted {
            self.metrics.refused(error.name());
        }
        submitted
    }

    async fn take(
        &self,
        tenant: String,
        spec: Spec,
        limits: TenantLimits,
        asked: Option<Asked>,
    ) -> Result<Submitted, SubmitError> {
        let _no_collection = self.collection.put_off().await;
        // Submissions are decided one at a time, so that each sees the commitments made before it and no job is
        // admitted twice.
        let _no_other = self.admitting.lock().await;
        // A repeated submission returns the existing job, even if the queue is full.
        if let Some(job) = self.asked_before(&tenant, asked.as_ref()).await? {
            return Ok(Submitted { job, existing: true });
        }
        if let Some(job) = self.submitted_before(&tenant, &spec).await? {
            check_same(&job, &spec)?;
            if asked.is_some() {
                // The message has now used its nonce.
                self.with_store(move |store| store.submit(&tenant, spec, asked.as_ref()))
                    .await?;
            }
            return Ok(Submitted { job, existing: true });
        }
        {
            let state = self.state();
            if state.draining {
                return Err(SubmitError::Draining);
            }
            if spec.deadline.is_some()
                && let Some(reason) = self.paused()
            {
                return Err(SubmitError::Paused(reason));
            }
            let n_waiting = state.n_queued(&self.held(&state));
            if n_waiting >= self.settings.max_queued_jobs {
                return Err(SubmitError::Full(n_waiting));
            }
        }
        self.check_tenant(&tenant, &spec, &limits).await?;
        if spec
            .deadline
            .is_some_and(|deadline| deadline <= SystemTime::now())
        {
            return Err(SubmitError::Late);
        }
        self.check_commitments(&tenant, &spec)?;
        self.check_inputs(&tenant, &spec)?;
        // Last: a signature takes longer than all before it.
        let spec = self.verify_block(spec).await?;
        let submitted = self
            .with_store(move |store| store.submit(&tenant, spec, asked.as_ref()))
            .await?;
        if !submitted.existing {
            self.announcer.announce(&submitted.job);
            self.admit(&submitted.job);
        }
        Ok(submitted)
    }

    /// Admits recorded jobs that the scheduler does not know: a commit that reported an error may have succeeded.
    pub(super) async fn admit_unknown(&self) -> Result<(), StoreError> {
        let _no_other = self.admitting.lock().await;
        for job in self.with_store(|store| store.active()).await? {
            self.admit_if_unknown(&job);
        }
        Ok(())
    }

    fn admit_if_unknown(&self, job: &Job) {
        let is_known = self.state().active.contains_key(&job.id);
        if !is_known && job.state == JobState::Received {
            self.announcer.announce(job);
            self.admit(job);
        }
    }

    /// Returns the job for which this message has asked before, if there is one.
    async fn asked_before(&self, tenant: &str, asked: Option<&Asked>) -> Result<Option<Job>, StoreError> {
        let Some(asked) = asked.cloned() else {
            return Ok(None);
        };
        match self.with_store(move |store| store.by_message(&asked)).await? {
            // The message was copied: its job is not shown to others.
            Some(job) if job.tenant != tenant => Err(StoreError::NotFound(job.id)),
            found => Ok(found.inspect(|job| self.admit_if_unknown(job))),
        }
    }

    /// Returns the tenant's existing job with the same dedup key, if there is one.
    async fn submitted_before(&self, tenant: &str, spec: &Spec) -> Result<Option<Job>, StoreError> {
        if spec.dedup_key.is_empty() {
            return Ok(None);
        }
        let (tenant, key) = (tenant.to_owned(), spec.dedup_key.clone());
        let found = self
            .with_store(move |store| store.by_dedup_key(&tenant, &key))
            .await?;
        Ok(found.inspect(|job| {
            // A commit that reported an error may have succeeded; then the job is recorded but not scheduled yet.
            self.admit_if_unknown(job);
        }))
    }
}

/// Rejects a submission under the idempotency key of a job that was to prove something else.
fn check_same(job: &Job, spec: &Spec) -> Result<(), SubmitError> {
    let (recorded, new) = (job.spec.digest(), spec.digest());
    if recorded == new {
        return Ok(());
    }
    Err(SubmitError::Reused {
        id: job.id.clone(),
        recorded,
        new,
        fields: job.spec.differences(spec),
    })
}
