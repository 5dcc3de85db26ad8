//! The configuration of `quarry serve`: a TOML file in which every value has a default.

mod admission;
mod sequencer_keys;
mod tenants;

pub use crate::address::parse as parse_address;
pub use crate::service::Role;
pub use admission::{Admission, Signing, Strangers, is_stranger, lane_of, tenant_of};
pub use sequencer_keys::SequencerKey;
pub use tenants::{DayLimits, TenantLimits, Together};

use crate::address;
use crate::text::cut;
use quarry_client::protocol::Limits;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Least value of [`Config::max_stall_seconds`]: on a busy machine a process may wait for seconds.
const MIN_STALL_SECONDS: u64 = 5;
/// Longest message about a configuration: it goes to the log at each reload.
const MAX_MESSAGE_BYTES: usize = 1 << 10;

/// Configuration of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the store, the artifacts and the attempts' files.
    pub data: PathBuf,
    /// Address of the gRPC server.
    #[serde(deserialize_with = "address::deserialize")]
    pub listen: SocketAddr,
    /// Address of `/healthz`, `/readyz`, `/metrics` and the status page.
    #[serde(deserialize_with = "address::deserialize")]
    pub http: SocketAddr,
    /// Path of the admin socket. Default: `admin.sock` in the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<PathBuf>,
    /// Whether the status page is served on the `http` address. It shows the jobs of all tenants and is meant for
    /// operators. Default: only on a loopback address.
    pub status_page: Option<bool>,
    /// OTLP collector (gRPC) for job traces: `http://host:4317`.
    pub otlp_endpoint: Option<String>,
    /// Devices, one worker each: `auto`, `cpu`, `cuda:0`, ...
    pub devices: Vec<String>,
    /// How long running jobs may continue after SIGTERM.
    pub drain_seconds: u64,
    /// How long they may continue if they are expected to end by then.
    pub max_drain_seconds: u64,
    /// Open connections per client address.
    pub max_connections_per_address: u32,
    /// How long a connection is kept without a call of a known client; without clients, without any call.
    pub first_call_seconds: u64,
    /// How long a client may send nothing to an upload, or read nothing of a stream. As much later, the service closes
    /// the connection of a stream that is not read.
    pub max_client_stall_seconds: u64,
    /// Maximum number of waiting jobs; more are rejected.
    pub max_queued_jobs: u32,
    /// Maximum attempts of a job; only retryable failures lead to another attempt.
    pub max_attempts: u32,
    /// Shortest time without progress after which a worker or a child is ended.
    pub max_stall_seconds: u64,
    /// How long finished jobs, with their results and proofs, are kept.
    pub keep_jobs_seconds: u64,
    /// Limits per job.
    pub limits: JobLimits,
    /// Limits for each tenant.
    pub limits_per_tenant: TenantLimits,
    /// Limits for artifacts.
    pub artifacts: ArtifactLimits,
    /// Rate limits, per known client or else per address.
    pub rates: Rates,
    /// Who may submit jobs. Default: the known clients, or everyone if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// Network and key of signed messages. Without it, the service takes and makes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// Limits of keys that are not known, if everyone is admitted by key.
    pub strangers: Strangers,
    /// TLS; required if `listen` is not a loopback address.
    pub tls: Option<Tls>,
    /// Known clients. If empty, every connection has full access.
    pub clients: Vec<Client>,
    /// Keys of sequencers. Jobs may refer to blocks that these signed.
    pub sequencer_keys: Vec<SequencerKey>,
    /// The file that this configuration was read from.
    #[serde(skip)]
    pub file: Option<Source>,
}

/// A configuration file. It is read once: it may be a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// What it says, without the flags that override it.
    pub config: Box<Config>,
}

/// The service's certificate, and the CA for client certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain (PEM).
    pub certificate: PathBuf,
    /// Private key (PEM).
    pub key: PathBuf,
    /// CA (PEM) for client certificates. If set, clients must present one.
    #[serde(default)]
    pub client_authority: Option<PathBuf>,
}

/// A known client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// SHA-256 of its token or of its certificate (DER), in hexadecimal, so that the file holds no secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Its public key, in place of `sha256`: the client signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Tenant that owns the client's jobs.
    pub tenant: String,
    /// Roles of the client.
    pub roles: Vec<Role>,
    /// The older key of `limits.max_active_jobs`.
    #[serde(default)]
    pub max_active_jobs: Option<u64>,
    /// Limits of its tenant, where they differ from those of all tenants.
    #[serde(default)]
    pub limits: TenantLimits,
    /// The client's own rate limits.
    #[serde(default)]
    pub rates: OwnRates,
}

/// Rate limits of one client; unset ones default to the common limits.
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
    /// All limits, with those from `common` where the client has none of its own.
    pub fn over(&self, common: &Rates) -> Rates {
        Rates {
            calls: self.calls.unwrap_or(common.calls),
            submissions: self.submissions.unwrap_or(common.submissions),
            ..*common
        }
    }
}

/// Rate limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// All requests.
    pub calls: Rate,
    /// Submitted and estimated jobs.
    pub submissions: Rate,
    /// Unauthenticated requests per address. Authenticated clients are not affected.
    pub failures: Rate,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Sustained rate.
    pub per_second: NonZeroU32,
    /// Bucket size: requests allowed at once after a pause.
    pub burst: NonZeroU32,
}

/// Limits of a job: the maximum, and the default if the job sets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobLimits {
    /// Steps of the padded run.
    pub max_steps: u64,
    /// Memory of the child process that runs or parses the input.
    pub max_child_memory_bytes: u64,
    /// CPU time of the child process.
    pub max_child_cpu_seconds: u64,
    /// Wall-clock time on a device.
    pub max_device_seconds: u64,
    /// Bits of proof of work.
    pub max_proof_of_work_bits: u64,
    /// Logarithm of the blowup factor.
    pub max_log_n_cosets: u64,
    /// Queries.
    pub max_queries: u64,
    /// Bytes of the PIEs of a job together.
    pub max_pie_bytes: u64,
    /// Memory cells of the PIEs of a job together.
    pub max_pie_cells: u64,
}

/// Limits for artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArtifactLimits {
    /// Largest file, uploaded or written by a child process.
    pub max_bytes: u64,
    /// Free disk space below which uploads are rejected, in bytes.
    pub min_free_bytes: u64,
    /// Rate that an upload must keep, averaged over half a minute.
    pub min_upload_bytes_per_second: u64,
    /// How long an upload may take. A longer one can be resumed.
    pub max_upload_seconds: u64,
    /// How long unreferenced files are kept.
    pub keep_seconds: u64,
    /// How long the inputs of a finished job are kept; shorter if disk space is low.
    pub keep_inputs_seconds: u64,
    /// How long nothing is removed after the store was created or restored.
    pub keep_all_seconds: u64,
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
            max_drain_seconds: 3600,
            max_connections_per_address: 256,
            first_call_seconds: 20,
            max_client_stall_seconds: 30,
            max_queued_jobs: 10_000,
            max_attempts: 3,
            max_stall_seconds: 300,
            keep_jobs_seconds: 90 * 24 * 3600,
            limits: JobLimits::default(),
            limits_per_tenant: TenantLimits::default(),
            artifacts: ArtifactLimits::default(),
            rates: Rates::default(),
            admission: None,
            signing: None,
            strangers: Strangers::default(),
            tls: None,
            clients: Vec::new(),
            sequencer_keys: Vec::new(),
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
            max_proof_of_work_bits: 32,
            max_log_n_cosets: 8,
            max_queries: 512,
            max_pie_bytes: 256 << 20,
            max_pie_cells: 1 << 24,
        }
    }
}

impl Default for ArtifactLimits {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 30,
            min_free_bytes: 1 << 30,
            min_upload_bytes_per_second: 16 << 10,
            max_upload_seconds: 6 * 3600,
            keep_seconds: 24 * 3600,
            keep_inputs_seconds: 7 * 24 * 3600,
            keep_all_seconds: 3600,
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
            max_proof_of_work_bits: limits.max_proof_of_work_bits,
            max_log_n_cosets: limits.max_log_n_cosets,
            max_queries: limits.max_queries,
            max_pie_bytes: limits.max_pie_bytes,
            max_pie_cells: limits.max_pie_cells,
        }
    }
}

/// Why a configuration cannot be used.
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
    /// The file is not a valid configuration; the message gives the position.
    #[error("'{}': {}", path.display(), brief(source))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// The configuration is inconsistent or unsafe.
    #[error("{}", cut(.0.clone(), MAX_MESSAGE_BYTES))]
    Refused(String),
}

/// What is wrong with a file, with the line where that is. A line may be as long as the file: an overlong one is not
/// shown.
fn brief(error: &toml::de::Error) -> String {
    let text = error.to_string();
    if text.len() <= MAX_MESSAGE_BYTES {
        return text;
    }
    let place = text.lines().next().unwrap_or_default();
    let what = cut(error.message().to_owned(), MAX_MESSAGE_BYTES / 2);
    format!("{}: {what}", cut(place.to_owned(), MAX_MESSAGE_BYTES / 4))
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
        let source = Source {
            path: path_of(),
            config: Box::new(config.clone()),
        };
        Ok(Self {
            file: Some(source),
            ..config
        })
    }

    /// Rejects invalid or unsafe configurations.
    ///
    /// # Errors
    /// [`ConfigError::Refused`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |why: &str| Err(ConfigError::Refused(why.to_owned()));
        if self.devices.is_empty() {
            return refuse("devices: at least one is required");
        }
        if self.max_attempts == 0 {
            return refuse("max_attempts: at least 1");
        }
        if self.first_call_seconds == 0 || self.max_client_stall_seconds == 0 {
            return refuse("first_call_seconds and max_client_stall_seconds: each at least 1");
        }
        if self.max_stall_seconds < MIN_STALL_SECONDS {
            return refuse(&format!("max_stall_seconds: at least {MIN_STALL_SECONDS}"));
        }
        let JobLimits {
            max_steps,
            max_child_memory_bytes,
            max_child_cpu_seconds,
            max_device_seconds,
            max_proof_of_work_bits,
            max_log_n_cosets,
            max_queries,
            max_pie_bytes,
            max_pie_cells,
        } = self.limits;
        if [
            max_steps,
            max_child_memory_bytes,
            max_child_cpu_seconds,
            max_device_seconds,
            max_proof_of_work_bits,
            max_log_n_cosets,
            max_queries,
            max_pie_bytes,
            max_pie_cells,
        ]
        .contains(&0)
        {
            return refuse("limits: each at least 1");
        }
        if self.artifacts.min_upload_bytes_per_second == 0 || self.artifacts.max_upload_seconds == 0 {
            return refuse("artifacts: min_upload_bytes_per_second and max_upload_seconds: each at least 1");
        }
        if let Some(endpoint) = &self.otlp_endpoint
            && !endpoint.starts_with("http://")
        {
            return refuse("otlp_endpoint: must be http://host:port (no TLS)");
        }
        let is_open = self.admission() == Admission::Devnet;
        if !self.listen.ip().is_loopback() && (self.tls.is_none() || is_open) {
            return refuse(
                "listen: an address that is not loopback requires tls and clients, or admission = \"public\"",
            );
        }
        self.check_admission()?;
        self.sequencer_keys()?;
        self.check_tenant_limits()
    }

    /// Whether the status page is served.
    pub fn shows_status_page(&self) -> bool {
        self.status_page.unwrap_or(self.http.ip().is_loopback())
    }

    /// Serializes the configuration to TOML.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] for a path that is not Unicode.
    pub fn to_text(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|why| ConfigError::Refused(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_long_line_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quarry.toml");
        let long = "x".repeat(20_000);
        for text in [
            format!("data = \"a\"\n{long}"),
            format!("data = \"a\"\n{long} = 1"),
            format!("data = \"a\"\ndevices = [\"{long}\", 1 2]"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Config::read(&path).unwrap_err().to_string();
            assert!(error.len() < 2 * MAX_MESSAGE_BYTES, "{} bytes", error.len());
            assert!(error.contains("line 2"), "{error}");
        }
        let refused = ConfigError::Refused(long);
        assert_eq!(refused.to_string().len(), MAX_MESSAGE_BYTES);
    }

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
