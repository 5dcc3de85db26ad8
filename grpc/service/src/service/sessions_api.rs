//! The gRPC service of clients that are known by their key.

use super::identity::{Authenticator, Holder};
use super::interceptors::peer;
use super::rates::{Limiter, RequestKind};
use super::refusal::of_envelope;
use super::sessions::{MAX_MESSAGE_SECONDS, SESSION, Sessions};
use super::signing::{self, OwnKey, now};
use super::status::retry;
use crate::config::Admission;
use crate::scheduler::Scheduler;
use quarry_client::envelope::{EnvelopeError, Kind, MAX_CLOCK_SKEW_SECONDS};
use quarry_client::protocol::sessions_server::Sessions as Service;
use quarry_client::protocol::{GetSigningRequest, OpenSessionRequest, OpenSessionResponse, Signing};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tonic::{Code, Request, Response, Status};

/// Implementation of the service.
pub struct SessionsApi {
    /// The service's key, if it has one.
    pub own: Option<Arc<OwnKey>>,
    /// Who may submit.
    pub admission: Admission,
    /// Says whom a key belongs to.
    pub authenticator: Arc<dyn Authenticator>,
    /// Rate limits of addresses: the client is not known yet.
    pub addresses: Arc<Limiter>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// Its metrics count refused sessions.
    pub scheduler: Arc<Scheduler>,
}

impl SessionsApi {
    fn own(&self) -> Result<&OwnKey, Status> {
        let none = "this appliance takes no signed messages: its operator has set no [signing]";
        self.own
            .as_deref()
            .ok_or_else(|| Status::failed_precondition(none))
    }

    /// Opens a session. What costs little comes first: the form, the address's rate, the admission of the key.
    async fn open(&self, bytes: Vec<u8>) -> Result<OpenSessionResponse, Status> {
        let own = self.own()?;
        let refused = |error: EnvelopeError| of_envelope(&error);
        let envelope = own.receive(bytes, Kind::Session).map_err(refused)?;
        // To any prover it could be carried to another one, which would then act for the client.
        if envelope.audience().is_none() {
            let why = "a session is with one prover: name its key as the audience (envelope.audience)";
            return Err(Status::invalid_argument(why));
        }
        if !envelope.payload().is_empty() {
            return Err(Status::invalid_argument(
                "a message that opens a session has no payload (envelope.form)",
            ));
        }
        let lifetime = envelope.expires().saturating_sub(envelope.issued());
        if lifetime > MAX_MESSAGE_SECONDS {
            let why = format!(
                "a message that opens a session expires at most {MAX_MESSAGE_SECONDS} s after its issue, and this one \
                 {lifetime} s (envelope.lifetime)"
            );
            return Err(Status::invalid_argument(why));
        }
        if let Some(seconds) = self.sessions.before_start(envelope.issued()) {
            let why =
                "this message was issued before the appliance started: sign another one (envelope.replayed)";
            let after = Duration::from_secs(seconds.min(MAX_CLOCK_SKEW_SECONDS));
            return Err(retry(Code::Unavailable, why.to_owned(), after));
        }
        let key = envelope.signer();
        let holder = self.authenticator.holder_of(&key).ok_or_else(|| {
            let why = format!("the key {key} is not known to this appliance (key.unknown)");
            Status::unauthenticated(why)
        })?;
        let message = signing::verify(envelope).await.map_err(refused)?;
        let stranger = match &holder {
            Holder::Client(_) => None,
            Holder::Stranger(rates) => Some(rates),
        };
        let token = self.sessions.begin(&message, stranger, now())?;
        Ok(OpenSessionResponse {
            token,
            expires_at: Some((SystemTime::now() + SESSION).into()),
            tenant: holder.tenant(&key),
        })
    }
}

#[tonic::async_trait]
impl Service for SessionsApi {
    async fn get_signing(&self, _: Request<GetSigningRequest>) -> Result<Response<Signing>, Status> {
        Ok(Response::new(self.own()?.told(self.admission)))
    }

    async fn open_session(
        &self,
        request: Request<OpenSessionRequest>,
    ) -> Result<Response<OpenSessionResponse>, Status> {
        // A signature costs about a millisecond, and everyone can ask for that.
        let address = peer(&request)?.address;
        self.addresses.take(RequestKind::FailedAuthentication, address)?;
        let opened = self.open(request.into_inner().envelope).await;
        let opened = opened.inspect_err(|_| self.scheduler.metrics().unauthenticated("session"));
        opened.map(Response::new)
    }
}
