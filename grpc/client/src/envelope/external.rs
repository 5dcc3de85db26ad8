//! A signer in another process, which is asked over HTTP: `docs/envelope.md` has the protocol.

use super::draft::Body;
use super::{KeyError, PublicKey, SIGNATURE_BYTES, SignerError};
use crate::address::is_loopback;
use crate::digest::{hex, unhex};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Maximum length of a response's body in bytes.
const MAX_RESPONSE_BYTES: usize = 4 << 10;
/// How long a signer may take.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(2),
    whole: Duration::from_secs(10),
};

/// How long a signer may take: to accept a connection, and for a whole request.
#[derive(Clone, Copy, Debug)]
struct Patience {
    connect: Duration,
    whole: Duration,
}

/// Why an external signer did not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalError {
    /// It is not on this machine.
    #[error(
        "its address must be http://HOST:PORT/PATH, and HOST a loopback address: messages go to it in clear text, and \
         whoever can reach it can sign"
    )]
    Address,
    /// It cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The connection broke, or the response is not HTTP.
    #[error("no response: {0}")]
    Broken(#[source] hyper::Error),
    /// It took too long.
    #[error("no response within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// It refused the request.
    #[error("it responded with status {0}")]
    Status(StatusCode),
    /// Its response is too long.
    #[error("the response has more than {MAX_RESPONSE_BYTES} bytes")]
    TooLong,
    /// Its response has another form.
    #[error("the response is not of the form that docs/envelope.md describes: {0}")]
    Form(#[source] serde_json::Error),
    /// Its public key is none.
    #[error("{0}")]
    Key(#[source] KeyError),
    /// Its signature is not 128 hexadecimal digits.
    #[error("the signature is not {} lower-case hexadecimal digits", 2 * SIGNATURE_BYTES)]
    Signature,
}

impl ExternalError {
    /// Whether a retry may help: the signer does not run, or is busy.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::Timeout(_) => true,
            Self::Status(status) => matches!(
                *status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            ),
            _ => false,
        }
    }
}

/// A signer in another process of this machine.
#[derive(Clone, Debug)]
pub(super) struct External {
    service: Service,
    public_key: PublicKey,
}

/// What a signer says of itself.
#[derive(Deserialize)]
struct Identity {
    public_key: String,
}

/// What it is asked to sign.
#[derive(Serialize)]
struct Question {
    public_key: String,
    body: String,
    digest: String,
}

/// Its signature.
#[derive(Deserialize)]
struct Signed {
    signature: String,
}

impl External {
    /// Asks the signer of an address for its key.
    pub(super) async fn open(url: &str) -> Result<Self, SignerError> {
        Self::open_within(url, PATIENCE).await
    }

    async fn open_within(url: &str, patience: Patience) -> Result<Self, SignerError> {
        let opened = async {
            let service = Service::at(url, patience)?;
            let identity: Identity = service.ask(Method::GET, Vec::new()).await?;
            let public_key: PublicKey = identity.public_key.parse().map_err(ExternalError::Key)?;
            public_key.check().map_err(ExternalError::Key)?;
            Ok(Self { service, public_key })
        };
        opened.await.map_err(at(url))
    }

    pub(super) fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The signer's signature over a body. It is **not** checked.
    pub(super) async fn sign(&self, body: &Body) -> Result<[u8; SIGNATURE_BYTES], SignerError> {
        let signed = async {
            let question = Question {
                public_key: self.public_key.to_string(),
                body: hex(body.bytes()),
                digest: body.digest().to_string(),
            };
            let question = serde_json::to_vec(&question).map_err(ExternalError::Form)?;
            let signed: Signed = self.service.ask(Method::POST, question).await?;
            unhex(&signed.signature).ok_or(ExternalError::Signature)
        };
        signed.await.map_err(at(&self.service.url.to_string()))
    }
}

/// Adds the signer's address to an error.
fn at(url: &str) -> impl Fn(ExternalError) -> SignerError {
    move |why| SignerError::External {
        url: url.to_owned(),
        why,
    }
}

/// An HTTP service on this machine that answers in JSON.
#[derive(Clone, Debug)]
struct Service {
    url: Uri,
    patience: Patience,
}

impl Service {
    fn at(url: &str, patience: Patience) -> Result<Self, ExternalError> {
        let url: Option<Uri> = url.parse().ok();
        let is_here = |url: &Uri| {
            url.scheme_str() == Some("http") && is_loopback(url.host()) && url.port_u16().is_some()
        };
        let url = url.filter(is_here).ok_or(ExternalError::Address)?;
        Ok(Self { url, patience })
    }

    /// Sends a request over a connection of its own, and reads the response.
    async fn ask<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        body: Vec<u8>,
    ) -> Result<T, ExternalError> {
        let whole = self.patience.whole;
        let asked = timeout(whole, self.exchange(method, body)).await;
        let response = asked.map_err(|_| ExternalError::Timeout(whole))??;
        serde_json::from_slice(&response).map_err(ExternalError::Form)
    }

    async fn exchange(&self, method: Method, body: Vec<u8>) -> Result<Bytes, ExternalError> {
        let request = Request::builder()
            .method(method)
            .uri(self.url.path_and_query().map_or("/", |path| path.as_str()))
            .header(
                HOST,
                self.url.authority().map_or("", |authority| authority.as_str()),
            )
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ExternalError::Address)?;
        let stream = TokioIo::new(self.connect().await?);
        let (mut send, connection) = http1::handshake(stream).await.map_err(ExternalError::Broken)?;
        // Dropping the set ends the connection, also if the time is over.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let response = send.send_request(request).await.map_err(ExternalError::Broken)?;
        if response.status() != StatusCode::OK {
            return Err(ExternalError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES);
        let collected = body.collect().await.map_err(|error| match error.downcast() {
            Ok(error) => ExternalError::Broken(*error),
            Err(error) => {
                debug_assert!(error.is::<LengthLimitError>());
                ExternalError::TooLong
            }
        });
        Ok(collected?.to_bytes())
    }

    async fn connect(&self) -> Result<TcpStream, ExternalError> {
        let host = self.url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = (host, self.url.port_u16().unwrap_or_default());
        let patience = self.patience.connect;
        let connecting = timeout(patience, TcpStream::connect(address)).await;
        let connected = connecting.map_err(|_| ExternalError::Timeout(patience))?;
        let stream = connected.map_err(ExternalError::Connect)?;
        // A name can stand for any address.
        let is_here = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        is_here.then_some(stream).ok_or(ExternalError::Address)
    }
}

#[cfg(test)]
#[path = "external_tests.rs"]
mod tests;
