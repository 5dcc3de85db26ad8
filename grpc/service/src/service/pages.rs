//! The HTTP pages: health for service managers, metrics for monitoring, and a status page for people.

use crate::exposition::Format;
use crate::history::Span;
use crate::scheduler::{EndedFilter, Scheduler};
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::net::IpAddr;
use std::sync::Arc;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// The page's files: path, media type, content.
const FILES: [(&str, &str, &str); 6] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    (
        "/page.css",
        "text/css; charset=utf-8",
        include_str!("page/page.css"),
    ),
    ("/page.js", JAVASCRIPT, include_str!("page/page.js")),
    ("/charts.js", JAVASCRIPT, include_str!("page/charts.js")),
    ("/elements.js", JAVASCRIPT, include_str!("page/elements.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// Security headers: nothing from elsewhere, nothing inline, no frames, no caching.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Response at `/` without a status page.
const NO_PAGE: &str = "\
The status page is not shown on this address, because it shows the jobs of all tenants. If only operators can reach the
address, set status_page = true in the configuration. Other pages: /healthz, /readyz and /metrics.
";

/// Builds the pages of a scheduler, for an address to serve them on; the status page only if `status_page` is set.
pub fn pages(scheduler: Arc<Scheduler>, status_page: bool, address: IpAddr) -> Router {
    let mut pages = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics));
    if status_page {
        pages = pages
            .route("/status.json", get(status))
            .route("/history.json", get(history));
        for (path, kind, content) in FILES {
            pages = pages.route(
                path,
                get(move || async move { ([(header::CONTENT_TYPE, kind)], content) }),
            );
        }
    } else {
        pages = pages.route("/", get(|| async { (StatusCode::NOT_FOUND, NO_PAGE) }));
    }
    if address.is_loopback() {
        pages = pages.layer(axum::middleware::from_fn(for_this_machine));
    }
    pages
        .layer(axum::middleware::from_fn(with_one_host))
        .with_state(scheduler)
        .layer(axum::middleware::map_response(with_headers))
}

/// Rejects requests whose host is not one name with or without a port, as RFC 9112 wants it. Two readers of such a
/// request could take it for different hosts.
async fn with_one_host(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_none() && first.is_none_or(|host| authority(host).is_some()) {
        return next.run(request).await;
    }
    (StatusCode::BAD_REQUEST, "the host of a request is one name\n").into_response()
}

/// Rejects requests with a foreign host name, against DNS rebinding: a web page may point its own name at this machine.
async fn for_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    if host.is_none_or(|host| authority(host).is_some_and(|host| is_loopback(&host))) {
        return next.run(request).await;
    }
    let why = "these pages are only served to localhost\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

/// The name and port of a host, without a user's name before them.
fn authority(host: &HeaderValue) -> Option<Authority> {
    let host: Authority = host.to_str().ok()?.parse().ok()?;
    (!host.as_str().contains('@')).then_some(host)
}

/// Whether a host is a loopback address.
fn is_loopback(host: &Authority) -> bool {
    let address = host.host().trim_start_matches('[').trim_end_matches(']');
    address.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Reports whether jobs are accepted and proved; if not, the reasons, one per line.
async fn readyz(State(scheduler): State<Arc<Scheduler>>) -> impl IntoResponse {
    let reasons = scheduler.why_not_ready();
    if reasons.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", reasons.join("\n")),
        )
    }
}

async fn metrics(State(scheduler): State<Arc<Scheduler>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let kind = [(header::CONTENT_TYPE, format.media_type())];
    (kind, format.of(scheduler.metrics_page()))
}

#[derive(serde::Deserialize)]
struct WantedJobs {
    #[serde(default)]
    ended: EndedFilter,
}

async fn status(State(scheduler): State<Arc<Scheduler>>, Query(wanted): Query<WantedJobs>) -> Response {
    json(&scheduler.overview(wanted.ended))
}

#[derive(serde::Deserialize)]
struct Wanted {
    #[serde(default)]
    span: Span,
}

async fn history(State(scheduler): State<Arc<Scheduler>>, Query(wanted): Query<Wanted>) -> Response {
    json(&scheduler.history(wanted.span))
}

fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
