//! What the service tells whoever started it, if that is systemd: datagrams to the socket that `NOTIFY_SOCKET` names.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long a message may wait for the manager.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the service manager, if there is one.
pub struct Manager(Option<UnixDatagram>);

impl Manager {
    /// That which the environment names.
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

    /// Tells it something: `READY=1`.
    pub fn tell(&self, what: &str) {
        if let Some(socket) = &self.0
            && let Err(why) = socket.send(what.as_bytes())
        {
            tracing::warn!(%why, what, "the service manager is not told");
        }
    }

    /// How often it wants to hear that the service is alive.
    pub fn watchdog(&self) -> Option<Duration> {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let limit = number("WATCHDOG_USEC").filter(|limit| is_ours && *limit > 0);
        // Twice as often as it must be, as systemd advises.
        self.0
            .as_ref()
            .and(limit)
            .map(|limit| Duration::from_micros(limit) / 2)
    }
}

/// A path, or a name that begins with `@` in the abstract name space.
fn connect(name: &str) -> io::Result<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // A manager that does not listen does not stop the service.
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
