//! Authentication and roles of clients.

use super::connections::whole_network;
use super::rates::Limiter;
use super::sessions::Sessions;
use crate::config::{Admission, Config, ConfigError, Rates, TenantLimits, tenant_of};
use quarry_client::digest::digest;
use quarry_client::envelope::PublicKey;
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
    /// Digest of the client's token or certificate, or its key; `None` if everyone is admitted.
    pub client: Option<String>,
    /// The client's key, if it has opened a session with it.
    pub key: Option<PublicKey>,
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

/// Whom a key belongs to.
#[derive(Clone, Debug)]
pub enum Holder {
    /// A client of the configuration, of this tenant.
    Client(String),
    /// A stranger, with these rate limits.
    Stranger(Rates),
}

impl Holder {
    /// The tenant of the holder of this key.
    pub fn tenant(self, key: &PublicKey) -> String {
        match self {
            Self::Client(tenant) => tenant,
            Self::Stranger(_) => tenant_of(key),
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

    /// Whom a key belongs to; `None` if it may not open a session.
    fn holder_of(&self, key: &PublicKey) -> Option<Holder>;
}

/// Gives every client all roles: for an address that only this machine can reach.
struct Open(TenantLimits);

impl Authenticator for Open {
    fn identify(&self, _: &MetadataMap, _: Option<&[u8]>) -> Result<Identity, Status> {
        Ok(Identity {
            client: None,
            key: None,
            tenant: String::new(),
            roles: vec![Role::Submit, Role::Read, Role::Admin],
            limits: self.0,
            limiter: None,
        })
    }

    fn holder_of(&self, _: &PublicKey) -> Option<Holder> {
        Some(Holder::Client(String::new()))
    }
}

/// Identifies clients by the SHA-256 of their token or certificate, or by the key that opened their session.
struct Known {
    by_digest: HashMap<String, Identity>,
    by_key: HashMap<PublicKey, Identity>,
    /// Limits of all other keys; `None` if they are not admitted.
    strangers: Option<(TenantLimits, Rates)>,
    sessions: Arc<Sessions>,
}

impl Known {
    fn of_session(&self, token: &str) -> Option<Identity> {
        let (key, limiter) = self.sessions.of_token(token)?;
        let known = self.by_key.get(&key).cloned();
        known.or_else(|| {
            let (limits, _) = self.strangers?;
            Some(Identity {
                client: Some(key.to_string()),
                key: Some(key),
                tenant: tenant_of(&key),
                roles: vec![Role::Submit, Role::Read],
                limits,
                // Of a known client that is one no more, the session goes on without the buckets of a stranger.
                limiter: Some(limiter?),
            })
        })
    }
}

impl Authenticator for Known {
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status> {
        let header = metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        // Compares digests, not secrets: timing reveals nothing about a token.
        let known = |bytes: &[u8]| Some(self.by_digest.get(&digest(bytes).ok()?.sha256)?.clone());
        let by_token = token.and_then(|token| known(token.as_bytes()).or_else(|| self.of_session(token)));
        by_token
            .or_else(|| certificate.and_then(known))
            .ok_or_else(|| Status::unauthenticated("missing or unknown token or certificate"))
    }

    fn holder_of(&self, key: &PublicKey) -> Option<Holder> {
        match self.by_key.get(key) {
            Some(client) => Some(Holder::Client(client.tenant.clone())),
            None => self.strangers.map(|(_, rates)| Holder::Stranger(rates)),
        }
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

    fn current(&self) -> Arc<dyn Authenticator> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Authenticator for Reloadable {
    fn identify(&self, metadata: &MetadataMap, certificate: Option<&[u8]>) -> Result<Identity, Status> {
        self.current().identify(metadata, certificate)
    }

    fn holder_of(&self, key: &PublicKey) -> Option<Holder> {
        self.current().holder_of(key)
    }
}

/// Builds the authenticator from the configuration. On a devnet, everyone has full access.
///
/// # Errors
/// [`ConfigError::Refused`] for a client without a valid digest or key, or with the digest or key of another client.
pub fn authenticator(
    config: &Config,
    sessions: &Arc<Sessions>,
) -> Result<Arc<dyn Authenticator>, ConfigError> {
    let strangers = match config.admission() {
        Admission::Devnet => return Ok(Arc::new(Open(config.tenant_limits(None)))),
        Admission::Permissioned => None,
        Admission::Public => {
            let strangers = &config.strangers;
            Some((strangers.limits(), strangers.rates(&config.rates)))
        }
    };
    let mut known = Known {
        by_digest: HashMap::new(),
        by_key: HashMap::new(),
        strangers,
        sessions: Arc::clone(sessions),
    };
    for client in &config.clients {
        let key = client.key.as_ref().map(|key| key.parse()).transpose();
        let key: Option<PublicKey> =
            key.map_err(|why| ConfigError::Refused(format!("clients: key: {why}")))?;
        let name = key.map_or_else(|| client.sha256.clone(), |key| key.to_string());
        let identity = Identity {
            client: Some(name.clone()),
            key,
            tenant: client.tenant.clone(),
            roles: client.roles.clone(),
            limits: config.tenant_limits(Some(client)),
            limiter: Some(Limiter::new(&client.rates.over(&config.rates))),
        };
        let before = match key {
            Some(key) => known.by_key.insert(key, identity),
            None => known.by_digest.insert(valid_digest(&client.sha256)?, identity),
        };
        if before.is_some() {
            return Err(ConfigError::Refused(format!("clients: {name} is listed twice")));
        }
    }
    Ok(Arc::new(known))
}

fn valid_digest(sha256: &str) -> Result<String, ConfigError> {
    if sha256.len() == 64 && sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
        return Ok(sha256.to_owned());
    }
    let why =
        "clients: sha256 must be the SHA-256 of a token or certificate (DER), in lower-case hexadecimal";
    Err(ConfigError::Refused(why.to_owned()))
}
