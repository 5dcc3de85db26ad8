//! Addresses of services: `host:port`, with or without a scheme.

use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::Uri;

/// How long a connection may take; the answer to its first bytes may take as long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first bytes of an HTTP/2 connection: the preface and empty settings.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The address with a scheme; `http://` if it has none.
pub(crate) fn with_scheme(server: &str) -> String {
    match server.contains("://") {
        true => server.to_owned(),
        false => format!("http://{server}"),
    }
}

/// Whether a host is a loopback address.
pub(crate) fn is_loopback(host: Option<&str>) -> bool {
    let host = host.unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a server speaks TLS, whatever the scheme in its address; `None` if its answer does not tell. Use this to
/// explain a connection that failed.
pub async fn speaks_tls(server: &str) -> Option<bool> {
    let uri: Uri = with_scheme(server).parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let default_port = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(default_port);
    let ask = async {
        let connecting = timeout(PATIENCE, TcpStream::connect((host, port)));
        let mut stream = connecting.await.ok()?.ok()?;
        stream.write_all(GREETING).await.ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.ok()?;
        match &answer {
            // A TLS alert: the server wants TLS.
            [0x15, 0x03, ..] => Some(true),
            // HTTP/2 settings. An answer in HTTP/1 tells nothing: other servers send one from a TLS port.
            [_, _, _, 0x04, _] => Some(false),
            _ => None,
        }
    };
    timeout(2 * PATIENCE, ask).await.ok().flatten()
}
