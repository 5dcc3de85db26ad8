//! Answers of calls: the memory that they take until the client has read them.

use super::bodies::MIN_BYTES_PER_SECOND;
use super::slots::Slot;
use super::status::retry;
use super::streams::cut_unless_taken;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::IntoIter;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::http::Response;
use tonic::{Code, Status};

/// The methods of clients and of health whose answers are streams.
pub const STREAMED: [&str; 3] = [
    "/quarry.prover.v1.Prover/DownloadArtifact",
    "/quarry.prover.v1.Prover/WatchJobs",
    "/grpc.health.v1.Health/Watch",
];
/// Retry delay if the answers that a client has not read take too much memory.
const LATER: Duration = Duration::from_secs(5);

/// Counts a call until it is dropped.
#[derive(Clone)]
pub struct MemoryOfCall(#[expect(dead_code, reason = "it is dropped")] Arc<Held>);

struct Held {
    _slot: Arc<Slot<String>>,
    /// Its end tells that the answer is sent.
    _unsent: Option<oneshot::Sender<Infallible>>,
}

/// Counts a call until its answer ends.
pub fn kept(mut answer: Response<Body>, slot: Arc<Slot<String>>) -> Response<Body> {
    let held = Held {
        _slot: slot,
        _unsent: None,
    };
    answer.extensions_mut().insert(MemoryOfCall(Arc::new(held)));
    answer
}

/// [`kept`] for an answer of one message: counts its bytes too, and closes the connection of a client that has not read
/// it after `stall` and a second more for each [`MIN_BYTES_PER_SECOND`].
pub async fn counted(
    answer: Response<Body>,
    slot: Arc<Slot<String>>,
    stall: Duration,
    cut: CancellationToken,
) -> Response<Body> {
    let (mut head, mut body) = answer.into_parts();
    let (mut frames, mut n_bytes) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                n_bytes += data.len();
                frames.extend(in_two(data).map(Ok));
            }
            Ok(Err(other)) => frames.push(Ok(other)),
            Err(status) => frames.push(Err(status)),
        }
    }
    if frames.is_empty() {
        return Response::from_parts(head, body);
    }
    if !slot.grow(n_bytes) {
        let why = "too many bytes of answers are not read yet: read them before the next call";
        return retry(Code::ResourceExhausted, why.to_owned(), LATER).into_http();
    }
    let time = stall + Duration::from_secs_f64(n_bytes as f64 / MIN_BYTES_PER_SECOND);
    let (unsent, taken) = oneshot::channel();
    tokio::spawn(async move { cut_unless_taken(taken, time, &cut).await });
    let held = Held {
        _slot: slot,
        _unsent: Some(unsent),
    };
    head.extensions.insert(MemoryOfCall(Arc::new(held)));
    let frames = frames.into_iter();
    Response::from_parts(head, Body::new(Encoded { frames }))
}

/// Data and its last byte. hyper hands data on as soon as there is room for one byte, and then takes the trailers: the
/// body would end with all of the data unsent. It takes the last byte when all before it is sent.
fn in_two(mut data: Bytes) -> [Frame<Bytes>; 2] {
    let last = data.split_off(data.len().saturating_sub(1));
    [Frame::data(data), Frame::data(last)]
}

/// The encoded body of an answer.
struct Encoded {
    frames: IntoIter<Result<Frame<Bytes>, Status>>,
}

impl HttpBody for Encoded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.frames.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    #[test]
    fn every_stream_of_clients_is_known() {
        let files = FileDescriptorSet::decode(quarry_client::protocol::DESCRIPTORS).unwrap();
        let streamed: Vec<_> = files
            .file
            .iter()
            .filter(|file| file.package() == "quarry.prover.v1")
            .flat_map(|file| &file.service)
            .flat_map(|service| service.method.iter().map(move |method| (service, method)))
            .filter(|(_, method)| method.server_streaming())
            .map(|(service, method)| format!("/quarry.prover.v1.{}/{}", service.name(), method.name()))
            .collect();
        assert_eq!(streamed, STREAMED[..2]);
    }
}
