//! Signals of `quarry serve`.

use rustix::process::Signal;
use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

/// What signals ask of the service.
pub struct Signals {
    /// Number of SIGTERM and SIGINT so far: the first drains, one more during the drain stops at once.
    pub stops: watch::Receiver<u32>,
    /// Notified at SIGHUP.
    pub reload: Arc<Notify>,
}

/// Listens for signals from now on. SIGUSR1 and SIGUSR2, which would end the process, are only logged. After SIGXFSZ, which
/// would end it as well, the write fails. Processes that the service starts do not inherit this.
///
/// # Errors
/// If a handler cannot be installed.
pub fn listen() -> io::Result<Signals> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut user1 = signal(SignalKind::user_defined1())?;
    let mut user2 = signal(SignalKind::user_defined2())?;
    let (stop, stops) = watch::channel(0u32);
    let mut too_large = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    let reload = Arc::new(Notify::new());
    let told = Arc::clone(&reload);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => stop.send_modify(|n| *n += 1),
                _ = interrupt.recv() => stop.send_modify(|n| *n += 1),
                _ = hangup.recv() => told.notify_one(),
                _ = user1.recv() => tracing::info!("SIGUSR1 is ignored"),
                _ = user2.recv() => tracing::info!("SIGUSR2 is ignored"),
                _ = too_large.recv() => tracing::warn!("a file reached the process's limit of sizes (ulimit -f)"),
            }
        }
    });
    Ok(Signals { stops, reload })
}
