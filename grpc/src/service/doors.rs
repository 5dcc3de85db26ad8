//! The doors: who asks is known, and does not ask too often, before anything is read of what they send.

use super::connections::Peer;
use super::identity::{Authenticator, Identity};
use super::rates::{Deed, Limiter};
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
use tonic::{Request, Status};

/// The longest request; an upload has no end, but its messages have a length.
const MOST_REQUEST_BYTES: usize = 256 << 10;
/// What is not one message.
const UPLOAD: &str = "/quarry.prover.v1.Prover/UploadArtifact";

/// Lets those in who are known; the request says from here on who they are ([`Identity`]).
#[derive(Clone)]
pub struct Door {
    /// Who knows them.
    pub authenticator: Arc<dyn Authenticator>,
    /// The buckets of those who have none of their own.
    pub addresses: Arc<Limiter>,
    /// Where strangers are counted.
    pub scheduler: Arc<Scheduler>,
}

impl Interceptor for Door {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let peer = peer(&request);
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
                .take(Deed::Failure, peer.address)
                .err()
                .unwrap_or(status)
        })?;
        take(Deed::Call, &identity, &self.addresses, peer.address)?;
        request.extensions_mut().insert(identity);
        Ok(request)
    }
}

/// Lets everybody in, as often as an address may ask: health is no secret.
#[derive(Clone)]
pub struct OpenDoor(pub Arc<Limiter>);

impl Interceptor for OpenDoor {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        self.0.take(Deed::Call, peer(&request).address)?;
        Ok(request)
    }
}

/// Whose connection a request came by.
pub fn peer<T>(request: &Request<T>) -> Peer {
    let nobody = || Peer {
        address: Ipv4Addr::UNSPECIFIED.into(),
        certificate: None,
    };
    request.extensions().get::<Peer>().cloned().unwrap_or_else(nobody)
}

/// Takes one out of the client's own bucket, or else out of its address's.
///
/// # Errors
/// `RESOURCE_EXHAUSTED`, and when there will be one again.
pub fn take(deed: Deed, who: &Identity, addresses: &Limiter, address: IpAddr) -> Result<(), Status> {
    match &who.limiter {
        Some(own) => own.take(deed, Ipv4Addr::UNSPECIFIED.into()),
        None => addresses.take(deed, address),
    }
}

/// A request that ends in time and at a length. An upload's messages are looked at one by one where they are read.
pub fn bounded(request: http::Request<Body>) -> http::Request<Body> {
    if request.uri().path() == UPLOAD {
        return request;
    }
    request.map(|body| {
        Body::new(Bounded {
            body,
            left: MOST_REQUEST_BYTES,
            late: Box::pin(sleep(STALL)),
        })
    })
}

/// A body of so many bytes, all of which come until it is late.
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
            let late = Status::deadline_exceeded("the request did not come to its end");
            return Poll::Ready(Some(Err(late)));
        };
        if let Some(Ok(frame)) = &frame {
            let n_bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(left) = self.left.checked_sub(n_bytes) else {
                let long = format!("a request has at most {MOST_REQUEST_BYTES} bytes");
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
