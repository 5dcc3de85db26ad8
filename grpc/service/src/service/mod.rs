//! The service: the process that answers requests, records jobs and schedules them. It runs no input and calls no
//! driver; child and worker processes do.

mod answers;
mod api;
mod assemble;
mod bodies;
mod calls;
mod capabilities;
mod connections;
mod framing;
mod http;
mod identity;
mod interceptors;
mod listen;
mod open;
mod operators;
mod pages;
mod patience;
mod places;
mod rates;
mod receipts;
mod refusal;
mod reload;
mod sessions;
mod sessions_api;
mod signing;
mod slots;
mod socket;
mod spec;
mod status;
mod streams;
mod submit;
mod tenant;
mod tls;

pub use identity::Role;
#[cfg(fuzzing)]
pub(crate) use spec::parse as parse_spec;

use crate::artifacts::ArtifactError;
use crate::config::Config;
use crate::store::StoreError;
use assemble::{Running, assemble};
use listen::Sockets;
use open::Data;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

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
    /// The store is missing, empty or unreadable, but the files of its jobs are there.
    #[error(
        "{why}, but the files of its jobs are in '{data}/artifacts'. Nothing was changed. Restore the store:\n  \
         mv {data}/store.redb {data}/store.redb.lost   # if it is there\n  \
         cp /backup/store.redb {data}/store.redb       # the last copy by `quarry admin backup`\n  \
         cp -an /backup/artifacts {data}/              # if files are missing too\n  \
         quarry store check --data {data}\n\
         Then start the service again. Without a backup its jobs are lost. To begin anew, move the files away too:\n  \
         mv {data}/artifacts {data}/artifacts.lost",
        data = folder.display()
    )]
    Lost {
        /// What is wrong with the store.
        why: String,
        /// The data folder.
        folder: PathBuf,
    },
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
    /// Another process listens on an address.
    #[error(
        "{flag} {address}: another process listens there; choose another address with {flag}, or stop that process"
    )]
    InUse {
        /// The flag that names the address.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// gRPC transport error.
    #[error("gRPC: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The reflection service cannot be built.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Where the service is found.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// `/healthz`, `/readyz`, `/metrics` and the status page.
    pub http: SocketAddr,
    /// URL of the status page, as seen from this machine, if it is shown.
    pub status_page: Option<String>,
    /// The data folder, as an absolute path.
    pub data: PathBuf,
}

/// Serves until `stop` resolves or an operator requests a drain, then drains. Calls `ready` with the addresses once
/// clients can connect, and `draining` when draining starts. Reads the configuration file again whenever `reload` is
/// notified.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: &Config,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()>,
    draining: impl FnOnce(),
    reload: Arc<Notify>,
) -> Result<(), ServeError> {
    config.check()?;
    let data = Data::open(config)?;
    let sockets = Sockets::bind(config, &data.folder).await?;
    let addresses = sockets.addresses(config, &data.folder)?;
    let mut running = assemble(config, data, sockets).await?;
    tokio::spawn(Arc::clone(&running.reloader).reload_when(reload));
    ready(addresses);
    tokio::select! {
        ended = &mut running.serving => return Ok(ended?),
        () = stop => {}
        () = running.drain.notified() => {}
    }
    tracing::info!("draining");
    draining();
    drain(running, config).await
}

/// Lets jobs on devices finish, while requests are still answered.
async fn drain(running: Running, config: &Config) -> Result<(), ServeError> {
    let Running {
        scheduler, serving, ..
    } = running;
    let drained = async {
        let [least, most] = [config.drain_seconds, config.max_drain_seconds].map(Duration::from_secs);
        scheduler.drain(least, most).await;
        scheduler.close();
        tokio::time::sleep(GOODBYE).await;
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = drained => Ok(()),
    }
}
