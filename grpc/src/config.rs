//! The configuration of `quarry serve`: a file in TOML, all of whose values have defaults.

use crate::protocol::Limits;
pub use crate::service::Role;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// What `quarry serve` is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the store, the artifacts and the files of attempts.
    pub data: PathBuf,
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where `/healthz`, `/readyz`, `/metrics` and the status page are served.
    pub http: SocketAddr,
    /// The admin service's socket; unless told otherwise, `admin.sock` in the folder of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<PathBuf>,
    /// Whether the status page is shown there, which is for operators: it has the jobs of all tenants. Unless told
    /// otherwise it is shown on a loopback address, and on no other.
    pub status_page: Option<bool>,
    /// Where traces of jobs are sent by OTLP over gRPC: `http://host:4317`.
    pub otlp_endpoint: Option<String>,
    /// One worker for each: `auto`, `cpu`, `cuda:0`, ..
    pub devices: Vec<String>,
    /// How long what is on devices may go on after SIGTERM.
    pub drain_seconds: u64,
    /// Connections that an address may have open.
    pub max_connections_per_address: u32,
    /// Jobs that may wait before more are refused.
    pub max_queued_jobs: u32,
    /// Attempts of a job whose worker dies or whose device fails.
    pub max_attempts: u32,
    /// How long a job, its result and its proof are kept after it has ended.
    pub keep_jobs_seconds: u64,
    /// What a job may take.
    pub limits: JobLimits,
    /// Files.
    pub artifacts: ArtifactLimits,
    /// How often somebody may ask: a client that is named, or else an address.
    pub rates: Rates,
    /// TLS, for an address that others reach.
    pub tls: Option<Tls>,
    /// Who may ask; everybody, if nobody is named.
    pub clients: Vec<Client>,
    /// The file that this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// The service's certificate, and whom it trusts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those behind it (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// The authority (PEM) that signs clients' certificates, which they must show then.
    #[serde(default)]
    pub client_authority: Option<PathBuf>,
}

/// A client that is known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// SHA-256 of its token, or of its certificate (DER), in hexadecimal: the file holds no secret.
    pub sha256: String,
    /// Whose jobs its jobs are.
    pub tenant: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Jobs of the tenant that may be active.
    #[serde(default)]
    pub max_active_jobs: Option<usize>,
    /// How often it may ask, if not as often as all others.
    #[serde(default)]
    pub rates: OwnRates,
}

/// How often a client may ask; what is not said is as for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnRates {
    /// See [`Rates::calls`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Rate>,
    /// See [`Rates::submissions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submissions: Option<Rate>,
}

impl OwnRates {
    /// All rates, those that are not its own from `common`.
    pub fn over(&self, common: &Rates) -> Rates {
        Rates {
            calls: self.calls.unwrap_or(common.calls),
            submissions: self.submissions.unwrap_or(common.submissions),
            ..*common
        }
    }
}

/// How often somebody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Calls of every kind.
    pub calls: Rate,
    /// Jobs that are submitted or estimated.
    pub submissions: Rate,
    /// Calls from one address without a token or a certificate that is known. Who has one is never shut out by these.
    pub failures: Rate,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In the long run.
    pub per_second: NonZeroU32,
    /// At once, after a pause.
    pub burst: NonZeroU32,
}

/// What a job may take, at most and unless it says less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobLimits {
    /// Steps of the padded run.
    pub max_steps: u64,
    /// Memory of a child that runs or parses an input.
    pub max_child_memory_bytes: u64,
    /// Its CPU time.
    pub max_child_cpu_seconds: u64,
    /// Wall-clock time on a device.
    pub max_device_seconds: u64,
}

/// What files may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArtifactLimits {
    /// Largest file, uploaded or written by a child.
    pub max_bytes: u64,
    /// Bytes of the disk that uploads leave free.
    pub min_free_bytes: u64,
    /// How long a file that no job refers to is kept.
    pub keep_seconds: u64,
    /// How long a job's inputs are kept after it has ended; less, if the disk is short.
    pub keep_inputs_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("quarry-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7474)),
            http: SocketAddr::from(([127, 0, 0, 1], 7475)),
            admin: None,
            status_page: None,
            otlp_endpoint: None,
            devices: vec!["auto".to_owned()],
            drain_seconds: 60,
            max_connections_per_address: 256,
            max_queued_jobs: 10_000,
            max_attempts: 3,
            keep_jobs_seconds: 90 * 24 * 3600,
            limits: JobLimits::default(),
            artifacts: ArtifactLimits::default(),
            rates: Rates::default(),
            tls: None,
            clients: Vec::new(),
            file: None,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |per_second, burst| Rate {
            per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
            burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
        };
        Self {
            calls: rate(1000, 10_000),
            submissions: rate(100, 5000),
            failures: rate(1, 20),
        }
    }
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            max_steps: 1 << 24,
            max_child_memory_bytes: 16 << 30,
            max_child_cpu_seconds: 900,
            max_device_seconds: 6 * 3600,
        }
    }
}

impl Default for ArtifactLimits {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 30,
            min_free_bytes: 1 << 30,
            keep_seconds: 24 * 3600,
            keep_inputs_seconds: 7 * 24 * 3600,
        }
    }
}

impl From<JobLimits> for Limits {
    fn from(limits: JobLimits) -> Self {
        Self {
            max_steps: limits.max_steps,
            max_child_memory_bytes: limits.max_child_memory_bytes,
            max_child_cpu_seconds: limits.max_child_cpu_seconds,
            max_device_seconds: limits.max_device_seconds,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read '{}': {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no configuration; says where.
    #[error("'{}': {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// It contradicts itself, or asks for what is unsafe.
    #[error("{0}")]
    Refused(String),
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let path_of = || path.to_owned();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path_of(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|source| ConfigError::Syntax {
            path: path_of(),
            source,
        })?;
        Ok(Self {
            file: Some(path_of()),
            ..config
        })
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Refused`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |why: &str| Err(ConfigError::Refused(why.to_owned()));
        if self.devices.is_empty() {
            return refuse("devices: name one at least");
        }
        if self.max_attempts == 0 {
            return refuse("max_attempts: at least 1");
        }
        let JobLimits {
            max_steps,
            max_child_memory_bytes,
            max_child_cpu_seconds,
            max_device_seconds,
        } = self.limits;
        if [
            max_steps,
            max_child_memory_bytes,
            max_child_cpu_seconds,
            max_device_seconds,
        ]
        .contains(&0)
        {
            return refuse("limits: each at least 1");
        }
        if let Some(endpoint) = &self.otlp_endpoint
            && !endpoint.starts_with("http://")
        {
            return refuse("otlp_endpoint: http://host:port, of a collector that is near");
        }
        if !self.listen.ip().is_loopback() && (self.tls.is_none() || self.clients.is_empty()) {
            return refuse("listen: an address that others reach needs tls and clients");
        }
        Ok(())
    }

    /// Whether the status page is shown.
    pub fn shows_status_page(&self) -> bool {
        self.status_page.unwrap_or(self.http.ip().is_loopback())
    }

    /// The file that says all of this.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] for a path that a file cannot say: one that is no Unicode.
    pub fn to_text(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|why| ConfigError::Refused(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_file_says_what_differs() {
        let config: Config = toml::from_str("drain_seconds = 5\n[limits]\nmax_steps = 1024").unwrap();
        assert_eq!((config.drain_seconds, config.limits.max_steps), (5, 1024));
        assert_eq!(config.listen, Config::default().listen);
        assert_eq!(
            toml::from_str::<Config>(&config.to_text().unwrap()).unwrap(),
            config
        );
        assert!(toml::from_str::<Config>("no_such_key = 1").is_err());
        let unspeakable = Config {
            data: std::ffi::OsStr::from_bytes(&[0xff]).into(),
            ..Config::default()
        };
        assert!(unspeakable.to_text().is_err());
        let public = toml::from_str::<Config>("listen = \"0.0.0.0:1\"").unwrap();
        assert!(public.check().is_err());
    }
}
