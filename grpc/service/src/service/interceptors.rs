//! Interceptors: clients are authenticated and rate limited before their request body is read. A request that is no
//! message of the protocol is the client's mistake.

use super::connections::Peer;
use super::identity::{Authenticator, Identity};
use super::rates::{Limiter, RequestKind};
use super::streams::STALL;
use crate::scheduler::Scheduler;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::service::Interceptor;
use tonic::{Code, Request, Status};

/// Maximum request size. Uploads have no total limit, but each of their messages has.
const MAX_REQUEST_BYTES: usize = 256 << 10;
/// The client-streaming method.
const UPLOAD: &str = "/quarry.prover.v1.Prover/UploadArtifact";
/// How the decoder's messages begin. tonic sends them as internal errors.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Authenticates requests and adds the client's [`Identity`] to their extensions.
#[derive(Clone)]
pub struct AuthInterceptor {
    /// Authenticator of the clients.
    pub authenticator: Arc<dyn Authenticator>,
    /// Per-address rate limiter for clients without their own.
    pub addresses: Arc<Limiter>,
    /// Scheduler, whose metrics count authentication failures.
    pub scheduler: Arc<Scheduler>,
}

impl Interceptor for AuthInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let peer = peer(&request)?;
        let certificate = peer.certificate.as_deref();
        let identity = self.authenticator.identify(request.metadata(), certificate);
        let identity = identity.map_err(|status| {
            let has_token = request.metadata().contains_key("authorization");
            self.scheduler
                .metrics()
                .unauthenticated(match (has_token, certificate) {
                    (true, _) => "unknown_token",
                    (false, Some(_)) => "unknown_certificate",
                    (false, None) => "no_credentials",
                });
            self.addresses
                .take(RequestKind::FailedAuthentication, peer.address)
                .err()
                .unwrap_or(status)
        })?;
        peer.place.is_of(&identity.holder(peer.address));
        take(RequestKind::Call, &identity, &self.addresses, peer.address)?;
        request.extensions_mut().insert(identity);
        Ok(request)
    }
}

/// Admits every request within the address's rate limit, without authentication: health is not secret.
#[derive(Clone)]
pub struct RateInterceptor(pub Arc<Limiter>);

impl Interceptor for RateInterceptor {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let peer = peer(&request)?;
        self.0.take(RequestKind::Call, peer.address)?;
        peer.place.is_used();
        Ok(request)
    }
}

/// The client side of the request's connection.
///
/// # Errors
/// `INTERNAL` for a request that came over none.
pub fn peer<T>(request: &Request<T>) -> Result<&Peer, Status> {
    let peer = request.extensions().get::<Peer>();
    peer.ok_or_else(|| Status::internal("a request without a connection"))
}

/// Takes a token from the client's own bucket, or else from its address's bucket.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` with a retry delay.
pub fn take(kind: RequestKind, who: &Identity, addresses: &Limiter, address: IpAddr) -> Result<(), Status> {
    match &who.limiter {
        Some(own) => own.take(kind, Ipv4Addr::UNSPECIFIED.into()),
        None => addresses.take(kind, address),
    }
}

/// Limits the size of a request and the time for its body. The messages of an upload are checked one by one as they are
/// read.
pub fn bounded(request: http::Request<Body>) -> http::Request<Body> {
    if request.uri().path() == UPLOAD {
        return request;
    }
    request.map(|body| {
        Body::new(Bounded {
            body,
            left: MAX_REQUEST_BYTES,
            late: Box::pin(sleep(STALL)),
        })
    })
}

/// Answers `INVALID_ARGUMENT` to a request that cannot be decoded.
pub fn blamed(response: http::Response<Body>) -> http::Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::Internal && status.message().starts_with(UNDECODABLE) => {
            Status::invalid_argument(status.message()).into_http()
        }
        _ => response,
    }
}

/// A body with a maximum size that must be complete within a time limit.
struct Bounded {
    body: Body,
    left: usize,
    late: Pin<Box<Sleep>>,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.late.as_mut().poll(context));
            let late = Status::deadline_exceeded("the request was not complete in time");
            return Poll::Ready(Some(Err(late)));
        };
        if let Some(Ok(frame)) = &frame {
            let n_bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(left) = self.left.checked_sub(n_bytes) else {
                let long = format!("a request has at most {MAX_REQUEST_BYTES} bytes");
                return Poll::Ready(Some(Err(Status::out_of_range(long))));
            };
            self.left = left;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use quarry_client::protocol::JobSpec;

    #[test]
    fn what_cannot_be_decoded_is_the_clients_mistake() {
        let code = |status: Status| {
            let response = blamed(status.into_http());
            Status::from_header_map(response.headers()).map(|status| status.code())
        };
        let error = JobSpec::decode(&[0xff][..]).unwrap_err();
        assert_eq!(
            code(Status::internal(error.to_string())),
            Some(Code::InvalidArgument)
        );
        assert_eq!(code(Status::internal("a bug")), Some(Code::Internal));
        assert_eq!(
            code(Status::unavailable(error.to_string())),
            Some(Code::Unavailable)
        );
        assert!(Status::from_header_map(blamed(http::Response::default()).headers()).is_none());
    }
}
