//! Two clients of a tenant upload the same file at once.

use crate::common::Folder;
use crate::common::appliance::Appliance;
use quarry_client::digest::digest;
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::upload_artifact_request::Part;
use quarry_client::protocol::{ArtifactRef, UploadArtifactRequest, UploadHeader};
use quarry_client::{Client, Connection};
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint, Server};

/// Uploads the beginning of a file, from its first byte on; the rest is left out.
async fn begin_upload(to: Channel, artifact: &ArtifactRef, begin: &[u8]) {
    let header = UploadHeader {
        artifact: Some(artifact.clone()),
        offset: 0,
    };
    let parts = [Part::Header(header), Part::Chunk(begin.to_vec())];
    let parts = parts.map(|part| UploadArtifactRequest { part: Some(part) });
    let status = ProverClient::new(to)
        .upload_artifact(tokio_stream::iter(parts))
        .await;
    assert_eq!(status.unwrap().into_inner().received, begin.len() as u64);
}

/// Forwards calls to a service. Just before the first upload another client begins the same one anew.
#[derive(Clone)]
struct Racing {
    to: Channel,
    other: Arc<Mutex<Option<ArtifactRef>>>,
}

impl NamedService for Racing {
    const NAME: &'static str = "quarry.prover.v1.Prover";
}

impl Service<http::Request<Body>> for Racing {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self { mut to, other } = self.clone();
        Box::pin(async move {
            let is_upload = request.uri().path().ends_with("/UploadArtifact");
            let artifact = other.lock().unwrap().take_if(|_| is_upload);
            if let Some(artifact) = artifact {
                begin_upload(to.clone(), &artifact, b"a").await;
            }
            poll_fn(|context| to.poll_ready(context)).await.unwrap();
            let answer = to.call(request).await;
            Ok(answer.unwrap_or_else(|error| Status::unavailable(error.to_string()).into_http()))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_another_client_began_anew_goes_on() {
    let folder = Folder::new();
    let content = b"a file of two clients";
    folder.write("file", content);
    let artifact = digest(&content[..]).unwrap();
    let service = Appliance::start(&folder, "");
    let endpoint = Endpoint::from_shared(format!("http://{}", service.address)).unwrap();
    let to = endpoint.connect().await.unwrap();
    begin_upload(to.clone(), &artifact, &content[..10]).await;

    let racing = Racing {
        to,
        other: Arc::new(Mutex::new(Some(artifact.clone()))),
    };
    let other = Arc::clone(&racing.other);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = Server::builder().add_service(racing);
    tokio::spawn(serving.serve_with_incoming(TcpListenerStream::new(listener)));
    let connection = Connection {
        server,
        ..Connection::default()
    };
    let mut client = Client::connect(&connection).await.unwrap();
    assert_eq!(client.upload(&folder.file("file")).await.unwrap(), artifact);
    assert!(other.lock().unwrap().is_none(), "the other client was first");
    client.download(&artifact, &folder.file("copy")).await.unwrap();
    assert_eq!(std::fs::read(folder.file("copy")).unwrap(), content);
}
