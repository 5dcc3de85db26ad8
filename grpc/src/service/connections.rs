//! Connections as they are accepted: so many from an address, so many in all, and none that says nothing.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// How long a client may take for its first bytes, and how many these are: HTTP/2 begins with so many, TLS with more.
const GREETING: (Duration, usize) = (Duration::from_secs(10), 24);
/// How long to wait when no connection can be accepted: file descriptors may be short.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// From one address.
    pub of_address: usize,
    /// In all.
    pub in_all: usize,
}

/// Accepts connections; those over the bounds are closed at once.
pub fn incoming(listener: TcpListener, most: Most) -> impl Stream<Item = io::Result<Connection>> {
    let (send, accepted) = mpsc::channel(1);
    tokio::spawn(async move {
        let open = Arc::new(Open::default());
        loop {
            let (stream, from) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        sleep(PAUSE).await;
                        continue;
                    }
                },
                () = send.closed() => return,
            };
            let Some(place) = open.place(whole_network(from.ip()), most) else {
                tracing::debug!(%from, "too many connections: one is closed");
                continue;
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "nodelay");
            }
            let connection = Connection {
                stream,
                greeting: Some((Box::pin(sleep(GREETING.0)), GREETING.1)),
                _place: place,
            };
            if send.send(Ok(connection)).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(accepted)
}

/// An address as it is counted: a host on IPv6 has a network of 2^64 of them.
pub fn whole_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

/// Connections that are open, by address.
#[derive(Default)]
struct Open(Mutex<(HashMap<IpAddr, usize>, usize)>);

impl Open {
    fn count(&self) -> MutexGuard<'_, (HashMap<IpAddr, usize>, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, if there is one.
    fn place(self: &Arc<Self>, address: IpAddr, most: Most) -> Option<Place> {
        let (by_address, all) = &mut *self.count();
        let of_address = by_address.entry(address).or_default();
        if *of_address < most.of_address && *all < most.in_all {
            *of_address += 1;
            *all += 1;
            let open = Arc::clone(self);
            return Some(Place { open, address });
        }
        if *of_address == 0 {
            by_address.remove(&address);
        }
        None
    }
}

/// The place of an open connection.
struct Place {
    open: Arc<Open>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let (by_address, all) = &mut *self.open.count();
        *all -= 1;
        if let Some(of_address) = by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// A connection that has its place, and must say something.
pub struct Connection {
    stream: TcpStream,
    /// Until when the first bytes must be here, and how many of them are not yet.
    greeting: Option<(Pin<Box<Sleep>>, usize)>,
    _place: Place,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, to);
        let Some((late, missing)) = &mut self.greeting else {
            return read;
        };
        if read.is_pending() {
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        *missing = missing.saturating_sub(to.filled().len() - before);
        if *missing == 0 {
            self.greeting = None;
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted() {
        let open = Arc::new(Open::default());
        let most = Most {
            of_address: 2,
            in_all: 3,
        };
        let place = |host: u8| open.place(IpAddr::from([10, 0, 0, host]), most);
        let (first, second) = (place(1), place(1));
        assert!(first.is_some() && second.is_some());
        assert!(place(1).is_none(), "of one address");
        let third = place(2);
        assert!(third.is_some() && place(3).is_none(), "in all");
        drop((first, second));
        assert!(place(3).is_some());
        drop(third);
        assert!(open.count().0.is_empty(), "nobody is remembered");
        let network = |text: &str| whole_network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
