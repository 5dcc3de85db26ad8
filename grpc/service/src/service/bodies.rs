//! Bodies of requests: their size, their time, the memory that they take, and the framing of their messages. Answers:
//! [`answers`](super::answers).

use super::answers::{STREAMED, counted, kept};
use super::connections::{Peer, whole_network};
use super::framing::Framing;
use super::identity::Identity;
use super::slots::{Slot, SlotLimits, Slots};
use super::status::retry;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;

/// Maximum size of a request. Uploads have no total limit, but each of their messages has.
const MAX_REQUEST_BYTES: usize = 256 << 10;
/// Bytes of requests whose answers are not sent yet, and of these answers: of a tenant, and of all.
pub const MAX_BYTES_OF_CLIENTS: SlotLimits = SlotLimits {
    per_holder: 16 << 20,
    total: 256 << 20,
};
/// The same of calls that need no client: of an address, and of all. Streams have as much again, so that open ones take
/// no room from short calls.
pub const MAX_BYTES_OF_STRANGERS: SlotLimits = SlotLimits {
    per_holder: 4 << 20,
    total: 128 << 20,
};
/// What a request counts beside its bytes: tonic's buffer, its headers, its task.
const MIN_BYTES: usize = 16 << 10;
/// Time for a request without bytes. Each second more needs so many bytes.
const TIME: Duration = Duration::from_secs(10);
/// See [`TIME`].
pub const MIN_BYTES_PER_SECOND: f64 = 16384.0;
/// Retry delay if requests take too much memory.
const LATER: Duration = Duration::from_secs(5);
/// The client-streaming method.
const UPLOAD: &str = "/quarry.prover.v1.Prover/UploadArtifact";

/// What a service's calls are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Calls of clients. How many streams of answers a client may have, each method says.
    OfClients,
    /// Streams of requests, which may have no message.
    Streams,
    /// Calls that are open to all. Their streams count until they end.
    OfStrangers,
}

/// A service whose requests are bounded. It goes inside the interceptors, which tell it whose a request is.
#[derive(Clone)]
pub struct Bounded<S> {
    inner: S,
    calls: Calls,
    memory: Memory,
    stall: Duration,
}

/// Memory of calls, and of streams that count until they end. Its clones share it.
#[derive(Clone)]
pub struct Memory {
    calls: Arc<Slots<String>>,
    streams: Arc<Slots<String>>,
}

impl Memory {
    /// Memory with these limits in bytes, for each of the two.
    pub fn new(limits: SlotLimits) -> Self {
        Self {
            calls: Slots::new(limits),
            streams: Slots::new(limits),
        }
    }
}

impl<S> Bounded<S> {
    /// Bounds a service. A client may leave an answer unread for `stall`.
    pub fn new(inner: S, calls: Calls, memory: Memory, stall: Duration) -> Self {
        Self {
            inner,
            calls,
            memory,
            stall,
        }
    }
}

impl<S: NamedService> NamedService for Bounded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let framing = Framing::new(self.calls == Calls::Streams);
        if request.uri().path() == UPLOAD {
            let limits = None;
            return Box::pin(self.inner.call(request.map(|body| {
                Body::new(Checked {
                    body,
                    framing,
                    limits,
                })
            })));
        }
        let is_stream = self.calls == Calls::Streams || STREAMED.contains(&request.uri().path());
        let memory = match is_stream {
            true => &self.memory.streams,
            false => &self.memory.calls,
        };
        let slot = Arc::new(memory.nothing(holder(&request)));
        if !slot.grow(MIN_BYTES) {
            return Box::pin(async { Ok(too_much().into_http()) });
        }
        let cut = request
            .extensions()
            .get::<Peer>()
            .map(|peer| peer.place.cut().clone());
        let limits = Some(Limits {
            left: MAX_REQUEST_BYTES,
            late: Box::pin(sleep(TIME)),
            memory: Arc::clone(&slot),
        });
        let answer = self.inner.call(request.map(|body| {
            Body::new(Checked {
                body,
                framing,
                limits,
            })
        }));
        let (calls, stall) = (self.calls, self.stall);
        Box::pin(async move {
            // What was decoded takes memory until then.
            let answer = answer.await?;
            Ok(match (is_stream, calls) {
                (false, _) => counted(answer, slot, stall, cut.unwrap_or_default()).await,
                // How many of them a client may have, each method says.
                (true, Calls::OfClients) => answer,
                (true, _) => kept(answer, slot),
            })
        })
    }
}

/// Who holds the memory of a request.
fn holder(request: &Request<Body>) -> String {
    let address = request.extensions().get::<Peer>().map(|peer| peer.address);
    let identity = request.extensions().get::<Identity>();
    match (identity, address) {
        (Some(identity), Some(address)) => identity.holder(address),
        (None, Some(address)) => whole_network(address).to_string(),
        _ => String::new(),
    }
}

fn too_much() -> Status {
    let why = "too many bytes of requests are not answered yet: send fewer at a time";
    retry(Code::ResourceExhausted, why.to_owned(), LATER)
}

/// What is left of a request's limits.
struct Limits {
    left: usize,
    late: Pin<Box<Sleep>>,
    memory: Arc<Slot<String>>,
}

impl Limits {
    fn receive(&mut self, n_bytes: usize) -> Result<(), Status> {
        let left = self.left.checked_sub(n_bytes).ok_or_else(|| {
            Status::out_of_range(format!("a request has at most {MAX_REQUEST_BYTES} bytes"))
        })?;
        self.left = left;
        let more = Duration::from_secs_f64(n_bytes as f64 / MIN_BYTES_PER_SECOND);
        let late = self.late.deadline() + more;
        self.late.as_mut().reset(late);
        match self.memory.grow(n_bytes) {
            true => Ok(()),
            false => Err(too_much()),
        }
    }
}

/// A body that keeps its limits, if it has any, and consists of whole messages.
struct Checked {
    body: Body,
    framing: Framing,
    limits: Option<Limits>,
}

impl Checked {
    fn check(&mut self, frame: Option<&Frame<Bytes>>) -> Result<(), Status> {
        let Some(bytes) = frame.and_then(Frame::data_ref) else {
            return self.framing.end();
        };
        if let Some(limits) = &mut self.limits {
            limits.receive(bytes.len())?;
        }
        self.framing.receive(bytes)
    }
}

impl HttpBody for Checked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            let Some(limits) = &mut self.limits else {
                return Poll::Pending;
            };
            ready!(limits.late.as_mut().poll(context));
            let late = Status::deadline_exceeded("the request was not complete in time");
            return Poll::Ready(Some(Err(late)));
        };
        let frame = frame.transpose()?;
        self.check(frame.as_ref())?;
        Poll::Ready(frame.map(Ok))
    }
}
