//! The service: one process that answers, records and decides who works on what. It runs no input and touches no driver.

mod api;
mod status;

use crate::artifacts::{ArtifactError, ArtifactFolder};
use crate::config::Config;
use crate::protocol::prover_server::ProverServer;
use crate::scheduler::{Scheduler, Settings};
use crate::store::{RedbStore, StoreError};
use api::Api;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

/// The longest message that is taken: a chunk of an upload, or a job with its parameter file.
const MOST_MESSAGE_BYTES: usize = 2 << 20;
/// How often files that nobody refers to are collected.
const COLLECT: Duration = Duration::from_secs(600);
/// How long answers may still leave after the drain.
const GOODBYE: Duration = Duration::from_millis(500);

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifacts.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// An address or a folder.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The connection with clients.
    #[error("gRPC: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `stop` resolves, then drains. `ready` is told the address when clients may come.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: &Config,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    config.check()?;
    let failed = |what: String| move |source| ServeError::Io { what, source };
    let data = &config.data;
    std::fs::create_dir_all(data).map_err(failed(format!("folder '{}'", data.display())))?;
    // Children and workers get paths, and may have another working directory one day.
    let data = std::path::absolute(data).map_err(failed(format!("folder '{}'", data.display())))?;
    let store = Arc::new(RedbStore::open(&data.join("store.redb"))?);
    let artifacts = Arc::new(ArtifactFolder::open(
        &data.join("artifacts"),
        config.artifacts.min_free_bytes,
        config.artifacts.max_bytes,
    )?);
    let settings = Settings {
        scratch: data.join("scratch"),
        devices: config.devices.clone(),
        limits: config.limits.into(),
        max_file_bytes: config.artifacts.max_bytes,
        max_queued_jobs: usize::try_from(config.max_queued_jobs).unwrap_or(usize::MAX),
        max_attempts: config.max_attempts,
    };
    let scheduler = Scheduler::start(settings, store, Arc::clone(&artifacts) as _).await?;
    let collecting = Arc::clone(&scheduler);
    let age = Duration::from_secs(config.artifacts.keep_seconds);
    tokio::spawn(async move {
        loop {
            match collecting.collect(age).await {
                Ok(0) => {}
                Ok(n) => tracing::info!(n, "files that nobody refers to are gone"),
                Err(error) => tracing::error!(%error, "files are not collected"),
            }
            tokio::time::sleep(COLLECT).await;
        }
    });

    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(failed(format!("listen on {}", config.listen)))?;
    ready(listener.local_addr().map_err(failed("listen".to_owned()))?);
    let api = ProverServer::new(Api::new(Arc::clone(&scheduler), artifacts, config))
        .max_decoding_message_size(MOST_MESSAGE_BYTES);
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .tcp_nodelay(true);
    let server = server.add_service(api);
    let serving = server.serve_with_incoming(TcpListenerStream::new(listener));
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = stop => {}
    }
    tracing::info!("draining");
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
