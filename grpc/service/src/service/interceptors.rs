//! Interceptors: clients are authenticated and rate limited before their request body is read. A request that is no
//! message of the protocol is the client's mistake.

use super::connections::Peer;
use super::identity::{Authenticator, Identity};
use super::rates::{Limiter, RequestKind};
use crate::scheduler::Scheduler;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderValue, Method, StatusCode, header};
use tonic::service::Interceptor;
use tonic::{Code, Request, Status};

/// The media type of gRPC.
const GRPC: &[u8] = b"application/grpc";
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
            peer.place.is_of_nobody();
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

/// The answer to a request that is not gRPC, in the words of HTTP.
pub fn not_grpc(request: &http::Request<Body>) -> Option<http::Response<Body>> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let status = match kind.is_some_and(|kind| is_grpc(kind.as_bytes())) {
        _ if request.method() != Method::POST => StatusCode::METHOD_NOT_ALLOWED,
        false => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        true => return None,
    };
    let mut response = http::Response::default();
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    Some(response)
}

/// Whether a media type is gRPC's: not that of gRPC for browsers, for example.
fn is_grpc(kind: &[u8]) -> bool {
    let Some((name, rest)) = kind.split_at_checked(GRPC.len()) else {
        return false;
    };
    name.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
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

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use quarry_client::protocol::JobSpec;

    #[test]
    fn media_types_of_grpc() {
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC;charset=utf-8",
        ] {
            assert!(is_grpc(kind.as_bytes()), "{kind}");
        }
        for kind in [
            "",
            "text/html",
            "application/grp",
            "application/grpc-web",
            "application/grpcx",
        ] {
            assert!(!is_grpc(kind.as_bytes()), "{kind}");
        }
    }

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
