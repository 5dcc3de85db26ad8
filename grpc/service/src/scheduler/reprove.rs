//! Makes a proof again that is damaged or lost: its job starts over, under its id and its idempotency key.

use super::{Scheduler, blocking, to_its_end};
use crate::artifacts::{ArtifactError, Artifacts, Reference, compare, references_of};
use crate::job::Job;
use crate::store::{Fence, StoreError};
use std::sync::Arc;

/// Why a job does not start over.
#[derive(Debug, thiserror::Error)]
pub enum ReproveError {
    /// Nothing is lost.
    #[error("the proof of job {0} is whole, and so are the files of its statement")]
    Whole(String),
    /// The service no longer has an input.
    #[error("{source}: it is an input of job {id}; upload it again, then repeat the command")]
    Missing {
        /// The job.
        id: String,
        /// Which input, and what is wrong with it.
        source: ArtifactError,
    },
    /// The service has an input with another content.
    #[error(
        "{source}: it is an input of job {id}; remove '{path}', upload it again, then repeat the command"
    )]
    Damaged {
        /// The job.
        id: String,
        /// The damaged file.
        path: String,
        /// Which input.
        source: ArtifactError,
    },
    /// Its last attempt has not ended yet.
    #[error("the last attempt of job {0} is still ending; repeat the command")]
    Ending(String),
    /// A file cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The job is unknown or has no proof, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scheduler {
    /// Lets a job start over whose proof is damaged or lost. It is recorded as accepted when this returns.
    ///
    /// # Errors
    /// [`ReproveError`]; the job stays as it is then.
    pub async fn reprove(self: &Arc<Self>, id: String) -> Result<Job, ReproveError> {
        let scheduler = Arc::clone(self);
        to_its_end(async move { scheduler.reopen(id).await }).await
    }

    async fn reopen(&self, id: String) -> Result<Job, ReproveError> {
        let wanted = id.clone();
        let job = self.with_store(move |store| store.get(&wanted)).await?;
        if !job.may_reopen() {
            let state = job.state;
            return Err(StoreError::NoProof { id, state }.into());
        }
        // The job has ended in the store; its last task may not have ended yet.
        if !self.last_task(&id).await {
            return Err(ReproveError::Ending(id));
        }
        let (artifacts, checked) = (Arc::clone(&self.artifacts), job.clone());
        blocking(move || check_loss(&*artifacts, &checked)).await?;

        let _no_collection = self.collection.put_off().await;
        let _no_other = self.admitting.lock().await;
        for input in job.spec.inputs() {
            let found = self.artifacts.path(&job.tenant, &input.sha256);
            found.map_err(|source| blame(&*self.artifacts, &job, &input.sha256, source))?;
        }
        let (reopened, fence) = (id.clone(), Fence::Lease(job.lease));
        let job = self
            .with_store(move |store| store.reopen(&reopened, fence))
            .await?;
        self.announcer.announce(&job);
        self.state().forget_ended(&id);
        self.admit(&job);
        Ok(job)
    }
}

/// Whether something is lost, and all is there to make it again.
fn check_loss(artifacts: &dyn Artifacts, job: &Job) -> Result<(), ReproveError> {
    let made = references_of(job, false);
    if job.result.is_some() && made.iter().all(|file| compare(artifacts, file).is_ok()) {
        return Err(ReproveError::Whole(job.id.clone()));
    }
    for input in job.spec.inputs() {
        let file = Reference {
            tenant: job.tenant.clone(),
            sha256: input.sha256.clone(),
        };
        compare(artifacts, &file).map_err(|source| blame(artifacts, job, &input.sha256, source))?;
    }
    Ok(())
}

/// The error for an input that cannot be used.
fn blame(artifacts: &dyn Artifacts, job: &Job, sha256: &str, source: ArtifactError) -> ReproveError {
    let id = job.id.clone();
    let path = artifacts.path(&job.tenant, sha256);
    match (&source, path) {
        (ArtifactError::NotFound(_), _) => ReproveError::Missing { id, source },
        (ArtifactError::Damaged(_), Ok(path)) => ReproveError::Damaged {
            id,
            path: path.display().to_string(),
            source,
        },
        _ => ReproveError::Artifact(source),
    }
}
