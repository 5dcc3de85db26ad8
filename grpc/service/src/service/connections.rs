//! Accepts connections within the limits per address and in total. Those that make no call of a known client are
//! closed.

use super::places::{Place, Places, TakenPlace};
use super::tls::ServerTls;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

/// Pause after an accept error: file descriptors may have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// How often strangers are looked for that have waited too long.
const EXPIRY: Duration = Duration::from_secs(1);

/// The client side of a connection.
#[derive(Clone)]
pub struct Peer {
    /// Address of the client.
    pub address: IpAddr,
    /// Client certificate (DER), if TLS asked for one.
    pub certificate: Option<Arc<[u8]>>,
    /// Place of the connection.
    pub place: Place,
}

/// Accepts connections, with TLS if it is given. Connections that get no place are closed at once.
pub fn incoming(
    listener: TcpListener,
    places: Arc<Places>,
    tls: Option<Arc<ServerTls>>,
) -> impl Stream<Item = io::Result<Connection>> {
    let (send, accepted) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut expiry = interval(EXPIRY);
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
                _ = expiry.tick() => {
                    places.expire();
                    continue;
                }
                () = send.closed() => return,
            };
            let Some(taken) = places.take(whole_network(from.ip())) else {
                tracing::debug!(%from, "too many connections: refusing one");
                continue;
            };
            let (send, tls) = (send.clone(), tls.as_deref().map(ServerTls::acceptor));
            tokio::spawn(async move {
                match Connection::open(stream, from.ip(), tls, taken).await {
                    Ok(connection) => {
                        // One that has lost its place goes at once, not when those before it are served.
                        let cut = connection.peer.place.cut().clone();
                        cut.run_until_cancelled(send.send(Ok(connection))).await;
                    }
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

/// A connection that holds its place.
pub struct Connection {
    wire: Box<dyn Wire>,
    peer: Peer,
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _taken: TakenPlace,
}

impl Connection {
    /// Does the TLS handshake, if TLS is configured.
    async fn open(
        stream: TcpStream,
        address: IpAddr,
        tls: Option<TlsAcceptor>,
        taken: TakenPlace,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let place = taken.place().clone();
        let (wire, certificate): (Box<dyn Wire>, _) = match tls {
            None => (Box::new(stream), None),
            Some(tls) => {
                let shaken = place.cut().run_until_cancelled(tls.accept(stream)).await;
                let stream = shaken.ok_or(io::ErrorKind::ConnectionAborted)??;
                let chain = stream.get_ref().1.peer_certificates();
                let certificate = chain.and_then(|chain| chain.first());
                let certificate = certificate.map(|certificate| Arc::from(certificate.as_ref()));
                (Box::new(stream), certificate)
            }
        };
        Ok(Self {
            wire,
            is_cut: Box::pin(place.cut().clone().cancelled_owned()),
            peer: Peer {
                address,
                certificate,
                place,
            },
            _taken: taken,
        })
    }

    /// Fails once the connection is cut. A client that does not read must not keep it open, so writing looks too.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.is_cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
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
        self.poll_cut(context)?;
        Pin::new(&mut self.wire).poll_read(context, to)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(context)?;
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(context)?;
        Pin::new(&mut self.wire).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(context)?;
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(context)?;
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
