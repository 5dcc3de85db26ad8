//! Exports job traces by OTLP over gRPC. A job is a trace whose id is the job's id; each job state and each proving
//! phase is a span. Traces contain no inputs and no labels.

use crate::job::Job;
use crate::metrics::class_name;
use quarry_client::protocol::JobState;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};
use wire::trace_service_client::TraceServiceClient;
use wire::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans, ScopeSpans,
    Span, SpanKind, SpanStatus, StatusCode, any_value::Value,
};

#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod wire {
    tonic::include_proto!("opentelemetry.proto.collector.trace.v1");
}

/// Timeout for connecting to the collector and for each export.
const PATIENCE: Duration = Duration::from_secs(10);
/// Traces queued for export; more are dropped.
const MAX_TRACES: usize = 1024;
/// Traces per export request.
const BATCH: usize = 64;

/// Opens a lazy channel to a collector at `http://host:4317`, which may be down at first.
///
/// # Errors
/// If the endpoint is not a valid address.
pub fn connect(endpoint: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(endpoint.to_owned())?;
    let endpoint = endpoint.timeout(PATIENCE).connect_timeout(PATIENCE);
    Ok(endpoint.connect_lazy())
}

/// Exports the trace of every job that ends, until the channel of changes is closed.
pub async fn export(mut changes: broadcast::Receiver<Arc<Job>>, collector: Channel) {
    let (send, traces) = mpsc::channel(MAX_TRACES);
    tokio::spawn(send_traces(traces, collector));
    let mut steps: HashMap<String, Vec<Step>> = HashMap::new();
    loop {
        match changes.recv().await {
            Ok(job) => {
                steps.entry(job.id.clone()).or_default().push(Step::of(&job));
                if job.has_ended() {
                    let trace = spans(&job, &steps.remove(&job.id).unwrap_or_default());
                    if send.try_send(trace).is_err() {
                        tracing::warn!(id = job.id, "trace dropped: the collector does not keep up");
                    }
                }
            }
            Err(RecvError::Lagged(n)) => {
                tracing::warn!(n, "traces are incomplete: the exporter missed job changes");
                // The missed changes may include final states, so the steps of those jobs would never be removed.
                steps.clear();
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn send_traces(mut traces: mpsc::Receiver<Vec<Span>>, collector: Channel) {
    let mut client = TraceServiceClient::new(collector);
    let mut batch = Vec::new();
    while traces.recv_many(&mut batch, BATCH).await > 0 {
        let version = env!("CARGO_PKG_VERSION");
        let scope = InstrumentationScope {
            name: "quarry".to_owned(),
            version: version.to_owned(),
        };
        let resource = Resource {
            attributes: vec![text("service.name", "quarry"), text("service.version", version)],
        };
        let spans = ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: batch.drain(..).flatten().collect(),
            }],
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![spans],
        };
        if let Err(status) = client.export(request).await {
            tracing::warn!(%status, "traces dropped: the export failed");
        }
    }
}

/// State and stage of a job from one moment on.
#[derive(Debug)]
struct Step {
    at: u64,
    state: JobState,
    stage: String,
    lease: u64,
}

impl Step {
    fn of(job: &Job) -> Self {
        Self {
            at: nanos(job.updated),
            state: job.state,
            stage: job.stage.clone(),
            lease: job.lease,
        }
    }
}

/// Nanoseconds since 1970.
fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    }
}

/// The spans of a job that has ended: the job, its states and the proving phases.
fn spans(job: &Job, steps: &[Step]) -> Vec<Span> {
    let trace = u128::from_str_radix(&job.id, 16).unwrap_or_default();
    let mut spans: Vec<Span> = Vec::new();
    let mut add = |name: String, times: Range<u64>, parent: &[u8], attributes| {
        // Unique within the trace, most likely unique across traces, never zero.
        let id = (trace as u64)
            .wrapping_add(spans.len() as u64 + 1)
            .max(1)
            .to_be_bytes();
        spans.push(Span {
            trace_id: trace.to_be_bytes().to_vec(),
            span_id: id.to_vec(),
            parent_span_id: parent.to_vec(),
            name,
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: times.start,
            end_time_unix_nano: times.end.max(times.start),
            attributes,
            status: None,
        });
        id
    };
    let end = nanos(job.updated);
    let root = add("job".to_owned(), nanos(job.created)..end, &[], about(job));
    let states: Vec<&[Step]> = steps
        .chunk_by(|a, b| (a.state, a.lease) == (b.state, b.lease))
        .collect();
    // Start of the next step, or the end of the job.
    let next = |step: Option<&Step>| step.map_or(end, |step| step.at);
    for (i, steps) in states.iter().enumerate() {
        let Some(first) = steps.first().filter(|first| !first.state.has_ended()) else {
            continue;
        };
        let last = next(states.get(i + 1).and_then(|steps| steps.first()));
        let lease = vec![number("quarry.lease", first.lease)];
        let state = add(first.state.name(), first.at..last, &root, lease);
        for (j, step) in steps
            .iter()
            .enumerate()
            .filter(|(_, step)| !step.stage.is_empty())
        {
            let until = steps.get(j + 1).map_or(last, |step| step.at);
            add(step.stage.clone(), step.at..until, &state, Vec::new());
        }
    }
    if let Some(root) = spans.first_mut() {
        let code = match job.state {
            JobState::Succeeded => StatusCode::Ok,
            JobState::Cancelled => StatusCode::Unset,
            _ => StatusCode::Error,
        };
        root.status = Some(SpanStatus {
            message: job.failure.as_ref().map_or(String::new(), |why| why.code.clone()),
            code: code.into(),
        });
    }
    spans
}

/// Attributes of the job's span.
fn about(job: &Job) -> Vec<KeyValue> {
    let mut about = vec![
        text("quarry.job.id", &job.id),
        text("quarry.job.tenant", &job.tenant),
        text("quarry.job.state", job.state.name()),
        number("quarry.job.failed_attempts", job.failed_attempts.into()),
    ];
    if let Some(statement) = &job.statement {
        about.push(text("quarry.layout", &statement.layout));
        about.push(number("quarry.steps", statement.n_steps));
    }
    if let Some(failure) = &job.failure {
        about.push(text("quarry.failure.class", class_name(failure.class())));
        about.push(text("quarry.failure.code", &failure.code));
        about.push(text("quarry.failure.stage", &failure.stage));
    }
    about
}
