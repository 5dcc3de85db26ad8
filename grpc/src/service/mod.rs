//! The service: the process that answers requests, records jobs and schedules them. It runs no input and calls no
//! driver; child and worker processes do.

mod api;
mod connections;
mod http;
mod identity;
mod interceptors;
mod operators;
mod pages;
mod rates;
mod slots;
mod socket;
mod spec;
mod status;
mod streams;
mod tls;

pub use identity::Role;
#[cfg(fuzzing)]
pub(crate) use spec::check as check_spec;

use crate::admin;
use crate::artifacts::{ArtifactError, ArtifactFolder};
use crate::config::{ArtifactLimits, Config, ConfigError};
use crate::protocol::DESCRIPTORS;
use crate::protocol::prover_server::ProverServer;
use crate::scheduler::{Retention, Scheduler, Settings};
use crate::store::{JobStore, RedbStore, StoreError};
use api::Api;
use identity::{Reloadable, authenticator};
use interceptors::{AuthInterceptor, RateInterceptor};
use operators::AdminApi;
use rates::Limiter;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use slots::SlotLimits;
use socket::SocketFile;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic_health::server::{HealthReporter, health_reporter};
use tower::util::MapRequestLayer;

/// Largest request message: a 1 MiB upload chunk and its framing.
const MAX_MESSAGE_BYTES: usize = (1 << 20) + 64;
/// Maximum size of a request's headers.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// Maximum concurrent requests per connection.
const MAX_STREAMS: u32 = 128;
/// Interval between health checks.
const HEALTH: Duration = Duration::from_secs(1);
/// How long responses may still be sent after draining.
const GOODBYE: Duration = Duration::from_millis(500);

/// Why the service cannot start or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The store cannot be opened or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact folder cannot be opened or used.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// An address or a folder cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// gRPC transport error.
    #[error("gRPC: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The reflection service cannot be built.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Addresses that the service listens on.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// `/healthz`, `/readyz`, `/metrics` and the status page.
    pub http: SocketAddr,
}

/// Opens the store and the artifacts in the data folder; only one process may hold them. Migrates data of older
/// versions.
///
/// # Errors
/// [`ServeError::Store`], [`ServeError::Artifacts`].
fn open(data: &Path, limits: &ArtifactLimits) -> Result<(RedbStore, ArtifactFolder), ServeError> {
    let store = RedbStore::open(&data.join("store.redb"))?;
    let artifacts = ArtifactFolder::open(&data.join("artifacts"), limits.min_free_bytes, limits.max_bytes)?;
    artifacts.share_out(|| Ok::<_, ServeError>(store.references(SystemTime::UNIX_EPOCH)?))?;
    Ok((store, artifacts))
}

/// Serves until `stop` resolves or an operator requests a drain, then drains. Calls `ready` with the addresses once
/// clients can connect, and `draining` when draining starts.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: &Config,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()>,
    draining: impl FnOnce(),
) -> Result<(), ServeError> {
    config.check()?;
    let failed = |what: String| move |source| ServeError::Io { what, source };
    let data = &config.data;
    // The data folder holds private inputs: files that this process and its children create are accessible to the owner
    // only.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    std::fs::create_dir_all(data).map_err(failed(format!("folder '{}'", data.display())))?;
    let mode = data
        .metadata()
        .map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(
            folder = %data.display(),
            "other users can access the data folder, which holds private inputs: set its mode to 700"
        );
    }
    // Children and workers run in another working directory, so they need absolute paths.
    let data = std::path::absolute(data).map_err(failed(format!("folder '{}'", data.display())))?;
    let (store, artifacts) = open(&data, &config.artifacts)?;
    let (store, artifacts) = (Arc::new(store), Arc::new(artifacts));
    let settings = Settings {
        scratch: data.join("scratch"),
        pause_file: data.join("paused"),
        devices: config.devices.clone(),
        limits: config.limits.into(),
        max_file_bytes: config.artifacts.max_bytes,
        min_free_bytes: config.artifacts.min_free_bytes,
        max_queued_jobs: usize::try_from(config.max_queued_jobs).unwrap_or(usize::MAX),
        max_attempts: config.max_attempts,
        retention: Retention {
            unreferenced: Duration::from_secs(config.artifacts.keep_seconds),
            inputs: Duration::from_secs(config.artifacts.keep_inputs_seconds),
            jobs: Duration::from_secs(config.keep_jobs_seconds),
        },
    };
    let scheduler = Scheduler::start(settings, store, Arc::clone(&artifacts) as _).await?;
    if let Some(endpoint) = &config.otlp_endpoint {
        let collector = crate::otlp::connect(endpoint).map_err(|why| {
            let why = crate::failure::chain(&why);
            ConfigError::Refused(format!("otlp_endpoint '{endpoint}': {why}"))
        })?;
        tokio::spawn(crate::otlp::export(scheduler.changes(), collector));
    }

    let addresses = Limiter::new(&config.rates);
    let clients = Reloadable::new(authenticator(&config.clients, &config.rates)?);
    let drain = Arc::new(Notify::new());
    let operators = AdminApi {
        scheduler: Arc::clone(&scheduler),
        artifacts: Arc::clone(&artifacts) as _,
        folder: data.join("artifacts"),
        clients: Arc::clone(&clients),
        config: config.clone(),
        drain: Arc::clone(&drain),
    };
    let socket = config.admin.clone().unwrap_or_else(|| data.join("admin.sock"));
    let _socket = serve_admin(operators, &socket)?;
    let auth = AuthInterceptor {
        authenticator: Arc::clone(&clients) as _,
        addresses: Arc::clone(&addresses),
        scheduler: Arc::clone(&scheduler),
    };
    let rate_only = RateInterceptor(Arc::clone(&addresses));
    let api = Api::new(
        Arc::clone(&scheduler),
        artifacts,
        clients,
        Arc::clone(&addresses),
        config,
    );
    let api = ProverServer::new(api).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let (reporter, health) = health_reporter();
    tokio::spawn(report_health(reporter, Arc::clone(&scheduler), addresses));
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .layer(MapRequestLayer::new(interceptors::bounded));
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let (grpc, http) = (listen(config.listen).await?, listen(config.http).await?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(failed("listen".to_owned()));
    ready(Addresses {
        grpc: address(&grpc)?,
        http: address(&http)?,
    });
    let pages = pages::pages(
        Arc::clone(&scheduler),
        config.shows_status_page(),
        config.http.ip(),
    );
    tokio::spawn(http::serve(http, pages));
    let limits = SlotLimits {
        per_holder: usize::try_from(config.max_connections_per_address).unwrap_or(usize::MAX),
        // The other half of the file descriptors is for files, children and workers.
        total: raise_file_limit() / 2,
    };
    let serving = server
        .add_service(InterceptedService::new(api, auth.clone()))
        .add_service(InterceptedService::new(health, rate_only))
        .add_service(InterceptedService::new(described().build_v1()?, auth.clone()))
        // Many clients still use the older reflection API.
        .add_service(InterceptedService::new(described().build_v1alpha()?, auth))
        .serve_with_incoming(connections::incoming(grpc, limits, tls));
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = stop => {}
        () = drain.notified() => {}
    }
    tracing::info!("draining");
    draining();
    let drained = async {
        scheduler.drain(Duration::from_secs(config.drain_seconds)).await;
        scheduler.close();
        tokio::time::sleep(GOODBYE).await;
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = drained => Ok(()),
    }
}

/// Serves the admin API until the process ends.
fn serve_admin(api: AdminApi, path: &Path) -> Result<SocketFile, ServeError> {
    let (listener, file) = socket::bind(path).map_err(|source| ServeError::Io {
        what: format!("admin socket '{}'", path.display()),
        source,
    })?;
    let described = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(admin::DESCRIPTORS)
        .with_service_name(admin::admin_server::SERVICE_NAME);
    let serving = Server::builder()
        .add_service(admin::admin_server::AdminServer::new(api))
        .add_service(described.build_v1()?);
    tokio::spawn(serving.serve_with_incoming(UnixListenerStream::new(listener)));
    Ok(file)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Io {
        what: format!("listen on {address}"),
        source,
    })
}

/// Raises the soft limit of open files to the hard limit; returns the limit in effect.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let now = match setrlimit(Resource::Nofile, most) {
        Ok(()) => most.current,
        Err(_) => limit.current,
    };
    now.map_or(usize::MAX, |now| usize::try_from(now).unwrap_or(usize::MAX))
}

/// Updates the gRPC health status from the scheduler's readiness, and drops idle rate limit buckets.
async fn report_health(reporter: HealthReporter, scheduler: Arc<Scheduler>, addresses: Arc<Limiter>) {
    loop {
        match scheduler.why_not_ready().await.is_empty() {
            true => reporter.set_serving::<ProverServer<Api>>().await,
            false => reporter.set_not_serving::<ProverServer<Api>>().await,
        }
        addresses.forget();
        tokio::time::sleep(HEALTH).await;
    }
}
