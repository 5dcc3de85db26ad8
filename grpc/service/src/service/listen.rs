//! The sockets that the service listens on.

use super::places::Places;
use super::slots::SlotLimits;
use super::socket::{self, SocketFile};
use super::tls::{self, ServerTls};
use super::{Addresses, ServeError};
use crate::config::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// Bound sockets: clients may connect, but nothing accepts them yet.
pub struct Sockets {
    /// gRPC.
    pub grpc: TcpListener,
    /// TLS of gRPC, if configured.
    pub tls: Option<Arc<ServerTls>>,
    /// Places of gRPC connections.
    pub places: Arc<Places>,
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
        let limits = SlotLimits {
            per_holder: usize::try_from(config.max_connections_per_address).unwrap_or(usize::MAX),
            // The other half of the file descriptors is for files, children and workers.
            total: raise_file_limit() / 2,
        };
        Ok(Self {
            grpc: listen("--listen", config.listen).await?,
            tls: tls.map(ServerTls::new),
            places: Places::new(limits, Duration::from_secs(config.first_call_seconds)),
            http: listen("--http", config.http).await?,
            admin,
            admin_file,
        })
    }

    /// Where the service is found.
    ///
    /// # Errors
    /// [`ServeError::Io`].
    pub fn addresses(&self, config: &Config, data: &Path) -> Result<Addresses, ServeError> {
        let address = |listener: &TcpListener| listener.local_addr().map_err(failed("listen".to_owned()));
        let http = address(&self.http)?;
        Ok(Addresses {
            grpc: address(&self.grpc)?,
            http,
            status_page: config.shows_status_page().then(|| page_of(http)),
            data: data.to_owned(),
        })
    }
}

/// URL of the status page. A socket that listens on all addresses of this machine is reached on its own.
fn page_of(http: SocketAddr) -> String {
    let ip = match http.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(ip, http.port()))
}

fn failed(what: String) -> impl FnOnce(io::Error) -> ServeError {
    move |source| ServeError::Io { what, source }
}

/// Listens on the address that a flag names.
async fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|why| match why.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { flag, address },
        _ => failed(format!("{flag} {address}"))(why),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_an_address_to_visit() {
        let page = |address: &str| page_of(address.parse().unwrap());
        assert_eq!(page("127.0.0.1:7475"), "http://127.0.0.1:7475/");
        assert_eq!(page("0.0.0.0:1"), "http://127.0.0.1:1/");
        assert_eq!(page("[::]:1"), "http://[::1]:1/");
    }
}
