//! Accepts connections: limits per address and in total, and a timeout for silent clients.

use super::slots::{Slot, SlotLimits, Slots};
use super::tls::ServerTls;
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
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// Time limit for the TLS handshake and the first bytes, and their number: the length of the HTTP/2 preface.
const GREETING: (Duration, usize) = (Duration::from_secs(10), 24);
/// Pause after an accept error: file descriptors may have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// The client side of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Address of the client.
    pub address: IpAddr,
    /// Client certificate (DER), if TLS asked for one.
    pub certificate: Option<Arc<[u8]>>,
    /// Closes the connection.
    pub cut: CancellationToken,
}

/// Accepts connections, with TLS if it is given. Connections over the limits are closed at once.
pub fn incoming(
    listener: TcpListener,
    limits: SlotLimits,
    tls: Option<Arc<ServerTls>>,
) -> impl Stream<Item = io::Result<Connection>> {
    let (send, accepted) = mpsc::channel(1);
    tokio::spawn(async move {
        let slots = Slots::new(limits);
        loop {
            let (stream, from) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(PAUSE).await;
                        continue;
                    }
                },
                () = send.closed() => return,
            };
            let Some(slot) = slots.take(whole_network(from.ip())) else {
                tracing::debug!(%from, "too many connections: closing one");
                continue;
            };
            let (send, tls) = (send.clone(), tls.as_deref().map(ServerTls::acceptor));
            tokio::spawn(async move {
                match Connection::open(stream, from.ip(), tls, slot).await {
                    Ok(connection) => drop(send.send(Ok(connection)).await),
                    Err(why) => tracing::debug!(%from, %why, "cannot open a connection"),
                }
            });
        }
    });
    ReceiverStream::new(accepted)
}

/// Key under which an address is counted: for IPv6 its /64 network, since a host has all 2^64 addresses of it.
pub fn whole_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

/// A byte stream to a client: TCP, or TLS over TCP.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that holds its slot and must send its first bytes in time.
pub struct Connection {
    wire: Box<dyn Wire>,
    peer: Peer,
    /// Deadline for the first bytes, and how many are still missing.
    greeting: Option<(Pin<Box<Sleep>>, usize)>,
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _slot: Slot<IpAddr>,
}

impl Connection {
    /// Does the TLS handshake, if TLS is configured.
    async fn open(
        stream: TcpStream,
        address: IpAddr,
        tls: Option<TlsAcceptor>,
        slot: Slot<IpAddr>,
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
        let cut = CancellationToken::new();
        Ok(Self {
            wire,
            is_cut: Box::pin(cut.clone().cancelled_owned()),
            peer: Peer {
                address,
                certificate,
                cut,
            },
            greeting: Some((Box::pin(sleep_until(late)), GREETING.1)),
            _slot: slot,
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
        if self.is_cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
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
