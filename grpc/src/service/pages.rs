//! What is not gRPC: health for those who start and stop services, metrics for those who watch them.

use crate::scheduler::Scheduler;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

/// The pages of a scheduler.
pub fn pages(scheduler: Arc<Scheduler>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(scheduler)
}

/// Whether jobs are taken and proved, or else why not, a reason a line.
async fn readyz(State(scheduler): State<Arc<Scheduler>>) -> impl IntoResponse {
    let reasons = scheduler.why_not_ready().await;
    if reasons.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", reasons.join("\n")),
        )
    }
}

async fn metrics(State(scheduler): State<Arc<Scheduler>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], scheduler.metrics_page())
}
