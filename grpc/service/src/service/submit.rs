//! Signed submissions.

use super::api::Api;
use super::identity::Identity;
use super::refusal::{of_envelope, signed};
use super::signing;
use super::spec;
use super::status::of_submit;
use crate::job::Job;
use prost::Message;
use quarry_client::envelope::{Kind, Verified};
use quarry_client::protocol::{JobSpec, SignedRequest, SubmitJobRequest, SubmitJobResponse};
use tonic::Status;

impl Api {
    /// Submits the job for which an envelope asks. A signed message is refused with a signed answer.
    pub(super) async fn submit_signed(
        &self,
        who: Identity,
        request: SubmitJobRequest,
    ) -> Result<SubmitJobResponse, Status> {
        let Some(own) = &self.signing else {
            let why = "this appliance takes no signed messages: its operator has set no [signing]";
            return Err(Status::failed_precondition(why));
        };
        if request.spec.is_some() {
            return Err(Status::invalid_argument(
                "spec: with an envelope, the specification is its payload",
            ));
        }
        let envelope = own.receive(request.envelope, Kind::Job);
        let envelope = envelope.map_err(|error| of_envelope(&error))?;
        if let Some(key) = who.key
            && key != envelope.signer()
        {
            let why = format!(
                "the session is of {key}, and {} signed (envelope.signer)",
                envelope.signer()
            );
            return Err(Status::permission_denied(why));
        }
        let holder = self.authenticator.holder_of(&envelope.signer());
        if let Some(tenant) = holder.map(|holder| holder.tenant(&envelope.signer()))
            && tenant != who.tenant
        {
            // A message that was copied: the signer could not use it any more.
            let why = format!(
                "the key {} is of another tenant than this client: its owner submits its jobs (envelope.signer)",
                envelope.signer()
            );
            return Err(Status::permission_denied(why));
        }
        let message = signing::verify(envelope).await;
        let message = message.map_err(|error| of_envelope(&error))?;
        let submitted = self.submit_verified(who, &message).await;
        match submitted {
            Ok(answer) => Ok(answer),
            Err((status, code)) => Err(signed(status, code, &message, own).await),
        }
    }

    /// Submits the job for which a message asks, or returns why not, with a stable code.
    async fn submit_verified(
        &self,
        who: Identity,
        message: &Verified,
    ) -> Result<SubmitJobResponse, (Status, &'static str)> {
        let decoded = JobSpec::decode(message.payload());
        let decoded =
            decoded.map_err(|why| (Status::invalid_argument(format!("the payload: {why}")), "spec"))?;
        let spec = spec::parse(Some(decoded)).map_err(|status| (status, "spec"))?;
        let submitted = self
            .scheduler
            .submit(who.tenant, spec, who.limits, Some(message.into()))
            .await;
        let submitted = submitted.map_err(|error| (of_submit(&error), error.name()))?;
        Ok(SubmitJobResponse {
            acceptance: self.acceptance(&submitted.job, message).await,
            job: Some(submitted.job.into()),
            existing: submitted.existing,
        })
    }

    /// The acceptance of a job. It is empty if it cannot be signed: the job is recorded, and to fail now would hide that.
    /// It is also empty if another signer asked for the job first, or nobody who signs.
    async fn acceptance(&self, job: &Job, message: &Verified) -> Vec<u8> {
        let Some(own) = &self.signing else {
            return Vec::new();
        };
        let is_of_signer = |request: &SignedRequest| request.signer == message.signer().to_string();
        if !job.signed_request.as_ref().is_some_and(is_of_signer) {
            return Vec::new();
        }
        own.accept(job, message).await.unwrap_or_else(|error| {
            tracing::error!(%error, id = job.id, "the acceptance was not signed");
            Vec::new()
        })
    }
}
