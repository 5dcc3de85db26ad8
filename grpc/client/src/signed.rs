//! Signed jobs, and the promises that appliances sign.

use crate::client::{Client, Inner, MAX_TRIES, pause};
use crate::envelope::{Draft, Envelope, Expected, Kind, SignerError, Verified};
use crate::error::{ClientError, SigningError};
use crate::protocol::{Acceptance, Job, JobSpec, SubmitJobRequest, SubmitJobResponse};
use crate::session::{Receiver, now};
use prost::Message;
use prost_types::Timestamp;
use std::error::Error;
use tonic::{Code, Status};

/// A signed job that an appliance has taken.
#[derive(Clone, Debug)]
pub struct SignedJob {
    /// The job.
    pub job: Job,
    /// Whether it existed before, with the same dedup key or the same request.
    pub existing: bool,
    /// The request as sent: an envelope of kind `job`.
    pub request: Envelope,
    /// The appliance's promise as received, or nothing. [`SignedJob::check_acceptance`] checks it.
    pub acceptance: Vec<u8>,
}

impl SignedJob {
    /// The appliance's promise, if others would accept it as one: it is to the signer of the request, about this request
    /// and this job, by the deadline of the request, and signed by the prover that the request names, if it names one.
    /// What was promised stays promised: a promise can be checked after it has expired.
    ///
    /// # Errors
    /// [`SigningError::NoAcceptance`], [`SigningError::Acceptance`].
    pub fn check_acceptance(&self) -> Result<(Verified, Acceptance), SigningError> {
        if self.acceptance.is_empty() {
            return Err(SigningError::NoAcceptance);
        }
        let checked = self.checked_acceptance();
        checked.map_err(|why| SigningError::Acceptance(why.to_string()))
    }

    fn checked_acceptance(&self) -> Result<(Verified, Acceptance), Box<dyn Error>> {
        let request = &self.request;
        let envelope = Envelope::parse(self.acceptance.clone())?;
        envelope.check(&Expected {
            kind: Kind::Acceptance,
            network: request.network(),
            audience: Some(request.signer()),
            now: now().min(envelope.issued()),
        })?;
        if envelope.audience().is_none() {
            return Err("it is to nobody".into());
        }
        let verified = envelope.verify()?;
        if request
            .audience()
            .is_some_and(|prover| prover != verified.signer())
        {
            return Err(format!("another prover signed it, {}", verified.signer()).into());
        }
        let acceptance = Acceptance::decode(verified.payload())?;
        if acceptance.request_digest != request.digest().to_string() {
            return Err("it is about another request".into());
        }
        if acceptance.job_id != self.job.id {
            return Err("it is about another job".into());
        }
        let asked = JobSpec::decode(request.payload())?.deadline;
        if asked.is_some_and(|asked| is_later(acceptance.deadline, asked)) {
            return Err("it promises no proof by the deadline of the request".into());
        }
        Ok((verified, acceptance))
    }
}

impl Client {
    /// The network and the key of the appliance. If the connection names a key, the appliance must have it.
    ///
    /// # Errors
    /// [`ClientError`]; [`SigningError::Older`], [`SigningError::OtherProver`];
    /// [`Code::FailedPrecondition`] if the appliance takes no signed messages.
    pub async fn receiver(&mut self) -> Result<Receiver, ClientError> {
        Receiver::ask(&mut self.sessions, self.prover).await
    }

    /// Whether the connection has a signer, for [`Client::submit_signed`].
    pub fn has_signer(&self) -> bool {
        self.signer.is_some()
    }

    /// Signs a job by the connection's signer, for this appliance alone, and submits it. A signer uses a nonce (1 to 64
    /// bytes) once.
    ///
    /// To keep the bytes and send them again later, seal a [`Draft`] and use [`Client::submit_envelope`].
    ///
    /// # Errors
    /// [`ClientError`]; [`SigningError::NoSigner`], [`SigningError::Unnamed`].
    pub async fn submit_signed(&mut self, spec: &JobSpec, nonce: &[u8]) -> Result<SignedJob, ClientError> {
        let signer = self.signer.clone().ok_or(SigningError::NoSigner)?;
        self.check_named()?;
        let receiver = self.receiver().await?;
        let draft = Draft::new(Kind::Job, &receiver.network, now())
            .audience(Some(receiver.prover))
            .nonce(nonce)
            .payload(spec.encode_to_vec());
        let envelope = signer.seal(draft).await.map_err(SigningError::from)?;
        self.submit_envelope(envelope).await
    }

    /// Submits a signed job: an envelope of kind `job`, whoever signed it. If the answer is lost, the same bytes are
    /// sent again. However often they are sent, there is one job.
    ///
    /// # Errors
    /// [`ClientError`]; [`Code::AlreadyExists`] if the signer has used the nonce for another message.
    pub async fn submit_envelope(&mut self, envelope: Vec<u8>) -> Result<SignedJob, ClientError> {
        let request = Envelope::parse(envelope).map_err(|why| SigningError::from(SignerError::from(why)))?;
        let mut tries = 0;
        let response = loop {
            match self.submit_once(request.bytes()).await {
                Err(ClientError::Status(status)) if is_lost(&status) && tries < MAX_TRIES => {
                    tokio::time::sleep(pause(tries)).await;
                    tries += 1;
                }
                done => break done?,
            }
        };
        Ok(SignedJob {
            job: response.job.unwrap_or_default(),
            existing: response.existing,
            request,
            acceptance: response.acceptance,
        })
    }

    async fn submit_once(&mut self, envelope: &[u8]) -> Result<SubmitJobResponse, ClientError> {
        let request = SubmitJobRequest {
            spec: None,
            envelope: envelope.to_vec(),
        };
        let submit = |mut inner: Inner, request| async move { inner.submit_job(request).await };
        self.call(request, submit).await
    }
}

/// Whether a deadline, or none, is later than another one.
fn is_later(deadline: Option<Timestamp>, than: Timestamp) -> bool {
    let order = |at: Timestamp| (at.seconds, at.nanos);
    deadline.is_none_or(|deadline| order(deadline) > order(than))
}

/// Whether the answer may be lost: the appliance restarts, or the connection broke, which is no answer of its own.
fn is_lost(status: &Status) -> bool {
    status.code() == Code::Unavailable || status.source().is_some()
}

#[cfg(test)]
#[path = "signed_tests.rs"]
mod tests;
