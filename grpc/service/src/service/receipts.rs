//! Receipts: what the service signs of the jobs that it has proved.

use super::signing::OwnKey;
use crate::job::Job;
use crate::scheduler::Scheduler;
use crate::store::{Link, Signed, StoreError};
use prost::Message;
use quarry_client::envelope::{Draft, Envelope, EnvelopeError, Kind, PublicKey};
use quarry_client::protocol::{JobResult, JobState, Receipt};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Signs the receipt of every job that succeeds, in the order in which they end. A receipt that is missing, after a
/// crash, is signed when it is asked for.
pub async fn sign_all(mut changes: Receiver<Arc<Job>>, scheduler: Arc<Scheduler>, own: Arc<OwnKey>) {
    loop {
        match changes.recv().await {
            Ok(job) if job.state == JobState::Succeeded => {
                if let Err(error) = receipt(&scheduler, &own, &job.id).await {
                    tracing::error!(%error, id = job.id, "the receipt was not signed");
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// The receipt of a job that has succeeded.
///
/// # Errors
/// [`StoreError::Unproved`], [`StoreError::Receipt`] and others.
pub async fn receipt(scheduler: &Scheduler, own: &Arc<OwnKey>, id: &str) -> Result<Vec<u8>, StoreError> {
    let (own, id) = (Arc::clone(own), id.to_owned());
    let made = scheduler.with_store(move |store| {
        let mut sign = |job: &Job, link| own.sign_receipt(job, link).map_err(|why| why.to_string());
        store.receipt(&id, &own.public_key().to_string(), &mut sign)
    });
    made.await
}

impl OwnKey {
    /// Takes milliseconds with a Stark key.
    fn sign_receipt(&self, job: &Job, link: Link) -> Result<Signed, EnvelopeError> {
        // Of one number there is one receipt.
        let nonce = format!("receipt {}", link.number);
        let asked = job.signed_request.as_ref();
        let to = asked.and_then(|asked| asked.signer.parse::<PublicKey>().ok());
        let receipt = Receipt {
            number: link.number,
            previous: link.previous,
            job_id: job.id.clone(),
            request: job.signed_request.clone(),
            accepted_at: Some(job.created.into()),
            deadline: job.spec.deadline.map(Into::into),
            result: job.result.clone().map(without_output),
        };
        let draft = Draft::new(
            Kind::Receipt,
            self.network(),
            super::signing::seconds(SystemTime::now()),
        )
        .audience(to)
        .nonce(nonce.as_bytes())
        .payload(receipt.encode_to_vec());
        let envelope = draft.sign(self.key())?;
        let digest = Envelope::parse(envelope.clone())?.digest().to_string();
        Ok(Signed { envelope, digest })
    }
}

/// A result without the output of the program and of its tasks, for which a message may be too short.
fn without_output(mut result: JobResult) -> JobResult {
    let first = result.first.as_mut().and_then(|first| first.statement.as_mut());
    for statement in first.into_iter().chain(result.statement.as_mut()) {
        statement.output.clear();
        let tasks = statement.claim.iter_mut().flat_map(|claim| &mut claim.tasks);
        tasks.for_each(|task| task.output.clear());
    }
    result
}
