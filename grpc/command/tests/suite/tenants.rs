//! Limits of tenants: what one of them promises, stores or asks for is no other tenant's trouble.

use crate::common::Folder;
use crate::common::appliance::{Appliance, until};
use crate::common::identity::sha256;
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::{
    ArtifactRef, ArtifactStatus, StatArtifactRequest, UploadArtifactRequest, UploadHeader,
    upload_artifact_request::Part,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// A `[[clients]]` entry whose token is `token`.
fn client(token: &str, tenant: &str, limits: &str) -> String {
    let digest = sha256(token.as_bytes());
    format!(
        "[[clients]]\nsha256 = \"{digest}\"\ntenant = \"{tenant}\"\nroles = [\"submit\", \"read\"]\n{limits}\n"
    )
}

/// A client's calls, and the uploads that it leaves open.
struct Caller {
    inner: ProverClient<Channel>,
    token: &'static str,
}

/// An upload that its client neither continues nor ends.
struct Held {
    sender: mpsc::Sender<UploadArtifactRequest>,
    answer: JoinHandle<Result<ArtifactStatus, Status>>,
}

impl Caller {
    async fn new(service: &Appliance, token: &'static str) -> Self {
        let inner = ProverClient::connect(format!("http://{}", service.address)).await;
        Self {
            inner: inner.expect("a connection"),
            token,
        }
    }

    fn with_token<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    async fn received(&mut self, artifact: &ArtifactRef) -> u64 {
        let artifact = Some(artifact.clone());
        let request = self.with_token(StatArtifactRequest { artifact });
        self.inner
            .stat_artifact(request)
            .await
            .unwrap()
            .into_inner()
            .received
    }

    /// Begins an upload and sends some bytes of it.
    async fn hold(&mut self, artifact: &ArtifactRef, bytes: &[u8]) -> Held {
        let (sender, parts) = mpsc::channel(4);
        let header = UploadHeader {
            artifact: Some(artifact.clone()),
            offset: 0,
        };
        for part in [Part::Header(header), Part::Chunk(bytes.to_vec())] {
            sender
                .send(UploadArtifactRequest { part: Some(part) })
                .await
                .unwrap();
        }
        let request = self.with_token(ReceiverStream::new(parts));
        let mut inner = self.inner.clone();
        let answer = tokio::spawn(async move { Ok(inner.upload_artifact(request).await?.into_inner()) });
        Held { sender, answer }
    }

    /// [`Caller::hold`], until the bytes have arrived.
    async fn hold_received(&mut self, artifact: &ArtifactRef, bytes: &[u8]) -> Held {
        let held = self.hold(artifact, bytes).await;
        while self.received(artifact).await < bytes.len() as u64 {
            assert!(!held.answer.is_finished(), "{:?}", held.answer.await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        held
    }

    /// Sends some bytes of an upload and ends it.
    async fn send(&mut self, artifact: &ArtifactRef, bytes: &[u8]) -> Result<ArtifactStatus, Status> {
        let Held { sender, answer } = self.hold(artifact, bytes).await;
        drop(sender);
        answer.await.unwrap()
    }
}

fn file(name: &str, size: u64) -> ArtifactRef {
    ArtifactRef {
        sha256: sha256(name.as_bytes()),
        size,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_stops_only_uploads_of_its_own_tenant() {
    let folder = Folder::new();
    let most = i64::MAX;
    folder.write(
        "quarry.toml",
        format!(
            "[artifacts]\nmax_bytes = {most}\nmin_free_bytes = 0\n[limits_per_tenant]\nmax_stored_bytes = {most}\n{}{}",
            client("one", "a", ""),
            client("other", "b", ""),
        ),
    );
    let service = Appliance::start(&folder, "--config quarry.toml");
    let (mut a, mut b) = (
        Caller::new(&service, "one").await,
        Caller::new(&service, "other").await,
    );
    let free = service.metric("quarry_disk_free_bytes").unwrap() as u64;
    let large = |name: &str| file(name, free / 3 * 2);
    // 2 KB of a file that takes most of the disk, and then nothing.
    let held = a.hold_received(&large("a"), &[7; 2048]).await;
    let refused = a.send(&large("another"), &[7; 10]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let taken = b.send(&large("b"), &[7; 10]).await.unwrap();
    assert_eq!((taken.complete, taken.received), (false, 10));
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_tenant_share_what_it_may_promise() {
    let folder = Folder::new();
    let limits = "limits.max_promised_bytes = 1000\nlimits.max_stored_bytes = 2000";
    folder.write(
        "quarry.toml",
        client("one", "a", limits) + &client("two", "a", limits),
    );
    let service = Appliance::start(&folder, "--config quarry.toml");
    let (mut one, mut two) = (
        Caller::new(&service, "one").await,
        Caller::new(&service, "two").await,
    );
    let held = one.hold_received(&file("first", 900), &[7; 100]).await;

    let refused = two.send(&file("second", 201), &[7; 10]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let details = refused.get_error_details();
    assert!(details.retry_info().is_some() && details.quota_failure().is_some());
    for part in ["max_promised_bytes", "has 800 ", "asks for 201 ", "at most 1000 "] {
        assert!(refused.message().contains(part), "{refused}");
    }
    let never = two.send(&file("second", 1001), &[7; 10]).await.unwrap_err();
    assert_eq!(never.code(), Code::FailedPrecondition, "{never}");
    assert_eq!(
        service.metric("quarry_uploads_refused_total{reason=\"quota\"}"),
        Some(2.0)
    );

    // What was sent stays; what was promised does not.
    held.answer.abort();
    let mut n_tries = 0;
    while two
        .send(&file("second", 1000), &[7; 999])
        .await
        .is_err_and(|_| n_tries < 1000)
    {
        n_tries += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(one.received(&file("first", 900)).await, 100);
    let refused = two.send(&file("third", 902), &[7; 10]).await.unwrap_err();
    assert!(refused.message().contains("max_stored_bytes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_does_not_go_on_loses_its_place() {
    let folder = Folder::new();
    folder.write("quarry.toml", "[artifacts]\nmax_upload_seconds = 1\n");
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut caller = Caller::new(&service, "").await;
    let content = [7; 3000];
    let artifact = ArtifactRef {
        sha256: sha256(&content),
        size: 3000,
    };
    let held = caller.hold(&artifact, &content[..2048]).await;
    let ended = held.answer.await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended}");
    assert!(ended.message().contains("resume"), "{ended}");
    let slow = "quarry_uploads_refused_total{reason=\"slow\"}";
    until("count", || (service.metric(slow) == Some(1.0)).then_some(()));
    // It can be resumed, as the client does by itself.
    assert_eq!(caller.received(&artifact).await, 2048);
    folder.write("content", content);
    let mut client = service.client().await;
    client.upload(&folder.file("content")).await.unwrap();
}
