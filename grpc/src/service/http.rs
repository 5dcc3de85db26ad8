//! HTTP for pages: connections are few, short, and nobody's to keep.

use super::connections::whole_network;
use super::places::{Most, Places};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Connections at a time; those over it are closed at once.
const MOST_CONNECTIONS: Most = Most {
    of_one: 64,
    in_all: 512,
};
/// How long a request's head may take, or its absence.
const HEAD: Duration = Duration::from_secs(15);
/// Bytes of a head.
const MOST_HEAD: usize = 16 << 10;
/// How long a connection is kept, and how long its last answer may take after that.
const LIFE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(10)];
/// How long after an error the next connection is waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves pages for ever.
pub async fn serve(listener: TcpListener, pages: Router) {
    let places = Places::new(MOST_CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let Some(place) = places.take(whole_network(from.ip())) else {
                    continue;
                };
                let pages = pages.clone();
                tokio::spawn(async move {
                    connection(stream, pages).await;
                    drop(place);
                });
            }
            Err(why) => {
                tracing::warn!(%why, "a connection for a page");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, pages: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ended is its client's to know.
        _ = &mut connection => return,
        () = sleep(LIFE[0]) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LIFE[1], connection).await;
}
