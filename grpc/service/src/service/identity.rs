//! Authentication and roles of clients.
//!
//! [`Authenticator`] is a trait so that signed requests can later replace tokens and certificates.

use super::connections::whole_network;
use super::rates::Limiter;
use crate::config::{Config, ConfigError, TenantLimits};
use quarry_client::digest::digest;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use tonic::Status;
use tonic::metadata::MetadataMap;

/// Role of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May upload and submit, see the tenant's jobs and results, and cancel its jobs.
    Submit,
    /// May see the tenant's jobs and results, and download its files.
    Read,
    /// May see and cancel the jobs of all tenants. It includes neither submitting nor downloading: that also takes
    /// `Submit`, or `Read`, which then covers the files of all tenants.
    Admin,
}

/// An authenticated client.
#[derive(Clone)]
pub struct Identity {
    /// Digest of the client's token or certificate; `None` if no clients are configured.
    pub client: Option<String>,
    /// Tenant that owns the client's jobs.
    pub tenant: String,
    /// Roles of the client.
    pub roles: Vec<Role>,
    /// Limits of the tenant.
    pub limits: TenantLimits,
    /// Rate limiter of the client; if `None`, the limits of its address apply.
    pub limiter: Option<Arc<Limiter>>,
}

impl Identity {
    /// Whether the client may access a tenant's jobs.
    pub fn covers(&self, tenant: &str) -> bool {
        self.tenant == tenant || self.roles.contains(&Role::Admin)
    }

    /// Who holds what is counted for the client: its tenant, or the address if no clients are configured.
    pub fn holder(&self, address: IpAddr) -> String {
        match self.client {
            Some(_) => self.tenant.clone(),
            None => whole_network(address).to_string(),
        }
    }
}

/// Authenticates requests.
pub trait Authenticator: Send + Sync + 'static {
    /// Identifies the client from the request's metadata and from the certificate (DER) of the connection.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status>;
}

/// Gives every client all roles: for an address that only this machine can reach.
struct Open(TenantLimits);

impl Authenticator for Open {
    fn identify(&self, _: &MetadataMap, _: Option<&[u8]>) -> Result<Identity, Status> {
        Ok(Identity {
            client: None,
            tenant: String::new(),
            roles: vec![Role::Submit, Role::Read, Role::Admin],
            limits: self.0,
            limiter: None,
        })
    }
}

/// Identifies clients by the SHA-256 of their token or certificate.
struct Known(HashMap<String, Identity>);

impl Authenticator for Known {
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status> {
        let header = metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        // Compares digests, not secrets: timing reveals nothing about a token.
        let known = |bytes: &[u8]| Some(self.0.get(&digest(bytes).ok()?.sha256)?.clone());
        let by_token = token.and_then(|token| known(token.as_bytes()));
        by_token
            .or_else(|| certificate.and_then(known))
            .ok_or_else(|| Status::unauthenticated("missing or unknown token or certificate"))
    }
}

/// Delegates to an authenticator that can be replaced while the service runs.
pub struct Reloadable(RwLock<Arc<dyn Authenticator>>);

impl Reloadable {
    /// Creates it with an initial authenticator.
    pub fn new(authenticator: Arc<dyn Authenticator>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(authenticator)))
    }

    /// Replaces the authenticator.
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

/// Builds the authenticator from the configuration. Without clients, everyone has full access.
///
/// # Errors
/// [`ConfigError::Refused`] for a client without a valid digest, or with the digest of another client.
pub fn authenticator(config: &Config) -> Result<Arc<dyn Authenticator>, ConfigError> {
    if config.clients.is_empty() {
        return Ok(Arc::new(Open(config.tenant_limits(None))));
    }
    let mut known = HashMap::new();
    for client in &config.clients {
        let is_digest =
            client.sha256.len() == 64 && client.sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if !is_digest {
            let why = "clients: sha256 must be the SHA-256 of a token or certificate (DER), in lower-case hexadecimal";
            return Err(ConfigError::Refused(why.to_owned()));
        }
        let identity = Identity {
            client: Some(client.sha256.clone()),
            tenant: client.tenant.clone(),
            roles: client.roles.clone(),
            limits: config.tenant_limits(Some(client)),
            limiter: Some(Limiter::new(&client.rates.over(&config.rates))),
        };
        if known.insert(client.sha256.clone(), identity).is_some() {
            let why = format!("clients: {} is listed twice", client.sha256);
            return Err(ConfigError::Refused(why));
        }
    }
    Ok(Arc::new(Known(known)))
}
