//! Who asks, and what they may do.
//!
//! A trait, so that signed requests may take the place of tokens and certificates.

use super::rates::Limiter;
use crate::config::{Client, ConfigError, Rates};
use crate::digest::digest;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tonic::Status;
use tonic::metadata::MetadataMap;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Upload and submit; see their tenant's jobs and results, and cancel its jobs.
    Submit,
    /// See their tenant's jobs and results, and download its files.
    Read,
    /// See and cancel the jobs of all tenants. Alone it neither submits nor downloads: with `Submit` it does the one, with
    /// `Read` the other, of all tenants.
    Admin,
}

/// Who asks.
#[derive(Clone)]
pub struct Identity {
    /// The client's digest, if it is known by one.
    pub client: Option<String>,
    /// Whose jobs they are.
    pub tenant: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Jobs of the tenant that may be active.
    pub max_active_jobs: Option<usize>,
    /// The client's own buckets; if it has none, they ask as often as their address may.
    pub limiter: Option<Arc<Limiter>>,
}

impl Identity {
    /// Whether they may see and change a tenant's jobs.
    pub fn covers(&self, tenant: &str) -> bool {
        self.tenant == tenant || self.roles.contains(&Role::Admin)
    }
}

/// Finds out who asks.
pub trait Authenticator: Send + Sync + 'static {
    /// Who asks, by the request's metadata and the certificate (DER) that the connection was opened with.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status>;
}

/// Everybody may do everything: for an address that only this machine reaches.
struct Open;

impl Authenticator for Open {
    fn identify(&self, _: &MetadataMap, _: Option<&[u8]>) -> Result<Identity, Status> {
        Ok(Identity {
            client: None,
            tenant: String::new(),
            roles: vec![Role::Submit, Role::Read, Role::Admin],
            max_active_jobs: None,
            limiter: None,
        })
    }
}

/// Clients that are known by the SHA-256 of their token or of their certificate.
struct Known(HashMap<String, Identity>);

impl Authenticator for Known {
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status> {
        let header = metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        // Digests are compared, not secrets: how long that takes tells nothing of a token.
        let known = |bytes: &[u8]| Some(self.0.get(&digest(bytes).ok()?.sha256)?.clone());
        let by_token = token.and_then(|token| known(token.as_bytes()));
        by_token
            .or_else(|| certificate.and_then(known))
            .ok_or_else(|| Status::unauthenticated("no token or certificate that is known here"))
    }
}

/// Another authenticator, which can be replaced while the service runs.
pub struct Reloadable(RwLock<Arc<dyn Authenticator>>);

impl Reloadable {
    /// Asks this one, until there is another.
    pub fn new(authenticator: Arc<dyn Authenticator>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(authenticator)))
    }

    /// Asks another one from now on.
    pub fn set(&self, authenticator: Arc<dyn Authenticator>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = authenticator;
    }
}

impl Authenticator for Reloadable {
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status> {
        let authenticator = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        authenticator.identify(metadata, certificate)
    }
}

/// What the configuration says of clients: if it names none, everybody may do everything.
///
/// # Errors
/// [`ConfigError::Refused`] for a client without a digest, or with that of another.
pub fn authenticator(clients: &[Client], rates: &Rates) -> Result<Arc<dyn Authenticator>, ConfigError> {
    if clients.is_empty() {
        return Ok(Arc::new(Open));
    }
    let mut known = HashMap::new();
    for client in clients {
        let is_digest =
            client.sha256.len() == 64 && client.sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if !is_digest {
            let why =
                "clients: sha256 is that of a token or of a certificate (DER), in lower-case hexadecimal";
            return Err(ConfigError::Refused(why.to_owned()));
        }
        let identity = Identity {
            client: Some(client.sha256.clone()),
            tenant: client.tenant.clone(),
            roles: client.roles.clone(),
            max_active_jobs: client.max_active_jobs,
            limiter: Some(Limiter::new(&client.rates.over(rates))),
        };
        if known.insert(client.sha256.clone(), identity).is_some() {
            let why = format!("clients: {} is there twice", client.sha256);
            return Err(ConfigError::Refused(why));
        }
    }
    Ok(Arc::new(Known(known)))
}
