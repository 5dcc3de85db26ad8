//! The sockets that the service listens on.

use super::slots::SlotLimits;
use super::socket::{self, SocketFile};
use super::tls::{self, ServerTls};
use super::{Addresses, ServeError};
use crate::config::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};

/// Bound sockets: clients may connect, but nothing accepts them yet.
pub struct Sockets {
    /// gRPC.
    pub grpc: TcpListener,
    /// TLS of gRPC, if configured.
    pub tls: Option<Arc<ServerTls>>,
    /// Limits of gRPC connections.
    pub limits: SlotLimits,
    /// The pages.
    pub http: TcpListener,
    /// The admin API.
    pub admin: UnixListener,
    /// The file of the admin API's socket.
    pub admin_file: SocketFile,
}

impl Sockets {
    /// Binds all sockets. The caller holds the data folder, so that no other service uses its admin socket.
    ///
    /// # Errors
    /// [`ServeError::Io`], [`ServeError::Config`].
    pub async fn bind(config: &Config, data: &Path) -> Result<Self, ServeError> {
        let tls = config.tls.as_ref().map(tls::load).transpose()?;
        let path = config.admin.clone().unwrap_or_else(|| data.join("admin.sock"));
        let (admin, admin_file) =
            socket::bind(&path).map_err(failed(format!("admin socket '{}'", path.display())))?;
        Ok(Self {
            grpc: listen(config.listen).await?,
            tls: tls.map(ServerTls::new),
            limits: SlotLimits {
                per_holder: usize::try_from(config.max_connections_per_address).unwrap_or(usize::MAX),
                // The other half of the file descriptors is for files, children and workers.
                total: raise_file_limit() / 2,
            },
            http: listen(config.http).await?,
            admin,
            admin_file,
        })
    }

    /// Addresses of the TCP sockets.
    ///
    /// # Errors
    /// [`ServeError::Io`].
    pub fn addresses(&self) -> Result<Addresses, ServeError> {
        let address = |listener: &TcpListener| listener.local_addr().map_err(failed("listen".to_owned()));
        Ok(Addresses {
            grpc: address(&self.grpc)?,
            http: address(&self.http)?,
        })
    }
}

fn failed(what: String) -> impl FnOnce(io::Error) -> ServeError {
    move |source| ServeError::Io { what, source }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(failed(format!("listen on {address}")))
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
