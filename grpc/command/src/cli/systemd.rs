//! Notifications of the service to systemd: datagrams to the socket that `NOTIFY_SOCKET` names.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// By how much each message extends the time to stop, and how often one is sent.
const EXTENSION: Duration = Duration::from_secs(30);
const EXTENSION_INTERVAL: Duration = Duration::from_secs(10);
/// How long sending a message may block.
const PATIENCE: Duration = Duration::from_secs(1);

/// The connection to the service manager; `None` without one.
pub struct Manager(Option<UnixDatagram>);

impl Manager {
    /// Connects to the service manager that the environment names.
    pub fn from_env() -> Self {
        let name = std::env::var("NOTIFY_SOCKET")
            .ok()
            .filter(|name| !name.is_empty());
        Self(name.and_then(|name| {
            let socket = connect(&name);
            socket
                .inspect_err(|why| tracing::warn!(%why, name, "NOTIFY_SOCKET cannot be used"))
                .ok()
        }))
    }

    /// Sends a message, such as `READY=1`.
    pub fn tell(&self, what: &str) {
        if let Some(socket) = &self.0
            && let Err(why) = socket.send(what.as_bytes())
        {
            tracing::warn!(%why, what, "cannot notify the service manager");
        }
    }

    /// Asks for more time to stop, again and again, as long as the process lives.
    pub async fn extend_stop(&self) {
        loop {
            self.tell(&format!("EXTEND_TIMEOUT_USEC={}", EXTENSION.as_micros()));
            tokio::time::sleep(EXTENSION_INTERVAL).await;
        }
    }

    /// The interval of watchdog messages, if the manager wants any.
    pub fn watchdog(&self) -> Option<Duration> {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let limit = number("WATCHDOG_USEC").filter(|limit| is_ours && *limit > 0);
        // Half of the manager's timeout, as systemd advises.
        self.0
            .as_ref()
            .and(limit)
            .map(|limit| Duration::from_micros(limit) / 2)
    }
}

/// Connects to a path, or to a name in the abstract namespace if it begins with `@`.
fn connect(name: &str) -> io::Result<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // A manager that does not read must not block the service.
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
