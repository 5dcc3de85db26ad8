//! Calls by raw HTTP/2: of clients that end no request, or say what no client library says.

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tonic::Code;

/// A body of some bytes, which may never end.
pub struct Sent {
    bytes: Option<Bytes>,
    ends: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.bytes.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A request of these bytes.
pub fn whole(bytes: &[u8]) -> Sent {
    Sent {
        bytes: Some(Bytes::copy_from_slice(bytes)),
        ends: true,
    }
}

/// A message with a declared length, of which only some bytes are sent. The request does not end.
pub fn message(length: u32, come: usize) -> Sent {
    let mut bytes = vec![0];
    bytes.extend(length.to_be_bytes());
    bytes.resize(bytes.len() + come, 0);
    Sent {
        bytes: Some(bytes.into()),
        ends: false,
    }
}

/// An HTTP/2 connection.
pub async fn http2(address: &str) -> SendRequest<Sent> {
    http2_from([127, 0, 0, 1], address).await
}

/// An HTTP/2 connection from a local address.
pub async fn http2_from(from: [u8; 4], address: &str) -> SendRequest<Sent> {
    connect(from, address, &Builder::new(TokioExecutor::new())).await
}

/// An HTTP/2 connection that takes one byte of an answer and no more.
pub async fn http2_unread(address: &str) -> SendRequest<Sent> {
    let mut unread = Builder::new(TokioExecutor::new());
    connect([127, 0, 0, 1], address, unread.initial_stream_window_size(1)).await
}

async fn connect(from: [u8; 4], address: &str, builder: &Builder<TokioExecutor>) -> SendRequest<Sent> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let (send, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

/// The answer to a call: its head.
pub async fn call(
    to: &mut SendRequest<Sent>,
    path: &str,
    token: Option<&str>,
    body: Sent,
) -> hyper::Result<Response<Incoming>> {
    let mut request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(to, request.body(body).unwrap()).await
}

/// The answer to any request: its head.
pub async fn send(to: &mut SendRequest<Sent>, request: Request<Sent>) -> hyper::Result<Response<Incoming>> {
    to.ready().await?;
    let answer = timeout(Duration::from_secs(60), to.send_request(request));
    answer.await.expect("an answer")
}

/// The status code in the head of an answer.
pub fn code(answer: &Response<Incoming>) -> Code {
    let code = answer.headers().get("grpc-status");
    code.map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

/// The status code of a call, and how long it took.
pub async fn answer(
    mut to: SendRequest<Sent>,
    path: &str,
    token: Option<&str>,
    body: Sent,
) -> (Code, Duration) {
    let begin = Instant::now();
    let answer = call(&mut to, path, token, body).await.unwrap();
    (code(&answer), begin.elapsed())
}
