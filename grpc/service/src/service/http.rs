//! HTTP server for the pages, with few and short-lived connections.

use super::connections::whole_network;
use super::places::{Place, Places};
use super::slots::SlotLimits;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Concurrent connections. Further ones take the places of the oldest.
const MAX_CONNECTIONS: SlotLimits = SlotLimits {
    per_holder: 64,
    total: 512,
};
/// Timeout for a request's head, also on an idle connection.
const HEAD: Duration = Duration::from_secs(15);
/// Maximum size of a request's head.
const MAX_HEAD: usize = 16 << 10;
/// Lifetime of a connection.
const MAX_LIFE: Duration = Duration::from_secs(60);
/// How long its last response may take after that.
const LAST_RESPONSE: Duration = Duration::from_secs(10);
/// Pause after an accept error.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the pages forever.
pub async fn serve(listener: TcpListener, pages: Router) {
    let places = Places::new(MAX_CONNECTIONS, MAX_LIFE);
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let Some(taken) = places.take(whole_network(from.ip())) else {
                    continue;
                };
                let pages = pages.clone();
                tokio::spawn(async move { connection(stream, pages, taken.place()).await });
            }
            Err(why) => {
                tracing::warn!(%why, "cannot accept an HTTP connection");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, pages: Router, place: &Place) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    tokio::pin!(connection);
    tokio::select! {
        // Connection errors only concern the client.
        _ = &mut connection => return,
        () = place.cut().cancelled() => return,
        () = sleep(MAX_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let last = timeout(LAST_RESPONSE, connection);
    let _ = place.cut().run_until_cancelled(last).await;
}
