//! The connection to an appliance: its address, its protection, and the token that each request carries.

use crate::address::{is_loopback, with_scheme};
use crate::envelope::{PublicKey, Signer};
use crate::error::ClientError;
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic::{Request, Status};

/// Connect timeout.
const CONNECT: Duration = Duration::from_secs(10);

/// Address of the appliance and the client's credentials.
#[derive(Clone)]
pub struct Connection {
    /// `http://host:port`, or `https://` for TLS. `host:port` alone is `http://`.
    pub server: String,
    /// Bearer token, if the appliance requires one.
    pub token: Option<String>,
    /// CA certificates (PEM) that sign the appliance's certificate.
    pub authority: Option<Vec<u8>>,
    /// This client's certificate and key (PEM).
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Signs this client's jobs, for an appliance that takes signed messages. Without a token it also opens a session,
    /// whose token then identifies the client.
    pub signer: Option<Signer>,
    /// Public key that the appliance must have. The signer signs nothing without it, unless the address is loopback:
    /// another appliance could claim a key of others, and pass on to them what the client signs.
    pub prover: Option<PublicKey>,
}

/// Shows the address and which credentials are set, but no secret.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.server)
            .field("has_token", &self.token.is_some())
            .field("has_authority", &self.authority.is_some())
            .field("has_identity", &self.identity.is_some())
            .field("signer", &self.signer.as_ref().map(Signer::public_key))
            .field("prover", &self.prover)
            .finish()
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            server: "http://127.0.0.1:7474".to_owned(),
            token: None,
            authority: None,
            identity: None,
            signer: None,
            prover: None,
        }
    }
}

impl Connection {
    /// The server for which the signer must not sign: the connection does not say which key it must have.
    pub(crate) fn unnamed(&self) -> Option<String> {
        let server = with_scheme(&self.server);
        let uri = server.parse::<Uri>().ok();
        let is_here = is_loopback(uri.as_ref().and_then(Uri::host));
        (self.prover.is_none() && !is_here).then_some(server)
    }

    /// Connects to the appliance.
    pub(crate) async fn open(&self) -> Result<Channel, ClientError> {
        let server = with_scheme(&self.server);
        let refused = |source| ClientError::Connect {
            server: server.clone(),
            source,
        };
        let mut endpoint = Endpoint::from_shared(server.clone())
            .map_err(refused)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .tcp_nodelay(true);
        let is_tls = endpoint.uri().scheme_str() == Some("https");
        // A session has a token too.
        let has_token = self.token.is_some() || self.signer.is_some();
        let is_plain = self.authority.is_some()
            || self.identity.is_some()
            || (has_token && !is_loopback(endpoint.uri().host()));
        if !is_tls && is_plain {
            return Err(ClientError::Plain { server });
        }
        if is_tls {
            endpoint = endpoint.tls_config(self.tls()).map_err(refused)?;
        }
        endpoint.connect().await.map_err(refused)
    }

    fn tls(&self) -> ClientTlsConfig {
        let mut tls = ClientTlsConfig::new();
        if let Some(authority) = &self.authority {
            tls = tls.ca_certificate(Certificate::from_pem(authority));
        }
        if let Some((certificate, key)) = &self.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        tls
    }
}

/// The value of the header `authorization`.
pub(crate) type Token = MetadataValue<Ascii>;

/// The header with this token.
pub(crate) fn bearer(token: &str) -> Result<Token, ClientError> {
    let parsed = format!("Bearer {token}").parse();
    let mut value: Token = parsed.map_err(|_| ClientError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Adds the token of the moment to every request.
#[derive(Clone)]
pub(crate) struct Bearer(pub(crate) watch::Receiver<Option<Token>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &*self.0.borrow() {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}
