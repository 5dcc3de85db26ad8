//! Connections as they are accepted: so many from an address, so many in all, and none that says nothing.

use super::places::{Most, Place, Places};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// How long a client may take for the handshake and its first bytes, and how many these are: HTTP/2 begins with so many.
const GREETING: (Duration, usize) = (Duration::from_secs(10), 24);
/// How long to wait when no connection can be accepted: file descriptors may be short.
const PAUSE: Duration = Duration::from_millis(100);

/// Whose connection it is.
#[derive(Clone, Debug)]
pub struct Peer {
    /// From where.
    pub address: IpAddr,
    /// The certificate (DER) that it was opened with, if it is one of a client that TLS was asked to look at.
    pub certificate: Option<Arc<[u8]>>,
}

/// Accepts connections, over TLS if there is an acceptor; those over the bounds are closed at once.
pub fn incoming(
    listener: TcpListener,
    most: Most,
    tls: Option<TlsAcceptor>,
) -> impl Stream<Item = io::Result<Connection>> {
    let (send, accepted) = mpsc::channel(1);
    tokio::spawn(async move {
        let places = Places::new(most);
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
            let Some(place) = places.take(whole_network(from.ip())) else {
                tracing::debug!(%from, "too many connections: one is closed");
                continue;
            };
            let (send, tls) = (send.clone(), tls.clone());
            tokio::spawn(async move {
                match Connection::open(stream, from.ip(), tls, place).await {
                    Ok(connection) => drop(send.send(Ok(connection)).await),
                    Err(why) => tracing::debug!(%from, %why, "a connection does not begin"),
                }
            });
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

/// A way to a client and back: TCP, or TLS over it.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that has its place, and must say something.
pub struct Connection {
    wire: Box<dyn Wire>,
    peer: Peer,
    /// Until when the first bytes must be here, and how many of them are not yet.
    greeting: Option<(Pin<Box<Sleep>>, usize)>,
    _place: Place<IpAddr>,
}

impl Connection {
    /// Shakes hands, if they are to be shaken.
    async fn open(
        stream: TcpStream,
        address: IpAddr,
        tls: Option<TlsAcceptor>,
        place: Place<IpAddr>,
    ) -> io::Result<Self> {
        let late = Instant::now() + GREETING.0;
        stream.set_nodelay(true)?;
        let (wire, certificate): (Box<dyn Wire>, _) = match tls {
            None => (Box::new(stream), None),
            Some(tls) => {
                let stream = timeout_at(late, tls.accept(stream)).await??;
                let chain = stream.get_ref().1.peer_certificates();
                let certificate = chain.and_then(|chain| chain.first());
                let certificate = certificate.map(|certificate| Arc::from(certificate.as_ref()));
                (Box::new(stream), certificate)
            }
        };
        Ok(Self {
            wire,
            peer: Peer { address, certificate },
            greeting: Some((Box::pin(sleep_until(late)), GREETING.1)),
            _place: place,
        })
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(context, to);
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
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one() {
        let network = |text: &str| whole_network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
