//! Times every gRPC call, from its first byte that the service reads to the last that it sends.

use super::answers::MemoryOfCall;
use super::connections::Peer;
use super::interceptors::not_grpc;
use super::places::PlaceOfCall;
use crate::scheduler::Scheduler;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Adds the times of all calls to the scheduler's metrics, and refuses what is no call of gRPC. It goes around all
/// other layers, so that it sees the code that the client gets.
#[derive(Clone)]
pub struct TimeLayer(pub Arc<Scheduler>);

impl<S> Layer<S> for TimeLayer {
    type Service = TimeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeService {
            inner,
            scheduler: Arc::clone(&self.0),
        }
    }
}

/// The service of [`TimeLayer`].
#[derive(Clone)]
pub struct TimeService<S> {
    inner: S,
    scheduler: Arc<Scheduler>,
}

impl<S> Service<Request<Body>> for TimeService<S>
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
        if let Some(refusal) = not_grpc(&request) {
            return Box::pin(async { Ok(refusal) });
        }
        let call = Call {
            scheduler: Arc::clone(&self.scheduler),
            path: request.uri().path().to_owned(),
            begin: Instant::now(),
            code: Code::Cancelled,
            _place: request.extensions().get::<Peer>().map(|peer| peer.place.call()),
            memory: None,
        };
        let response = self.inner.call(request);
        Box::pin(async move { Ok(call.follow(response.await?)) })
    }
}

/// A call in progress. It is recorded when it is dropped: as cancelled, if the service has not set its code.
struct Call {
    scheduler: Arc<Scheduler>,
    path: String,
    begin: Instant,
    code: Code,
    /// The connection is in use until then.
    _place: Option<PlaceOfCall>,
    memory: Option<MemoryOfCall>,
}

impl Call {
    /// Follows the call to the end of its response.
    fn follow(mut self, mut response: Response<Body>) -> Response<Body> {
        self.memory = response.extensions_mut().remove();
        if let Some(code) = code_in(response.headers()) {
            self.code = code;
            return response;
        }
        response.map(|body| {
            Body::new(Followed {
                body,
                call: Some(self),
            })
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let time = self.begin.elapsed();
        self.scheduler.metrics().called(&self.path, self.code, time);
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    Status::from_header_map(headers).map(|status| status.code())
}

/// The body of a call's response. Its code is in the trailers.
struct Followed {
    body: Body,
    call: Option<Call>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let code = match &frame {
            Some(Ok(frame)) => frame.trailers_ref().and_then(code_in),
            Some(Err(status)) => Some(status.code()),
            None => Some(Code::Unknown),
        };
        // The first code is the call's: with it, it ends.
        if let Some(code) = code
            && let Some(mut call) = self.call.take()
        {
            call.code = code;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
