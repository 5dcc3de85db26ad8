//! Limits of tenants: what one of them promises, stores or asks for is no other tenant's trouble.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, signal, submit, until};
use crate::common::identity::sha256;
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::{
    ArtifactRef, ArtifactStatus, JobSpec, JobState, Quota, StatArtifactRequest, Tenant,
    UploadArtifactRequest, UploadHeader, upload_artifact_request::Part,
};
use quarry_client::{Client, ClientError, Connection};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// A `[[clients]]` entry whose token is `token`.
pub fn client(token: &str, tenant: &str, limits: &str) -> String {
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
    let refusals = |reason: &str| {
        let name = format!("quarry_uploads_refused_total{{reason=\"{reason}\"}}");
        service.metric(&name).unwrap_or_default()
    };
    assert_eq!(
        (refusals("quota"), refusals("disk")),
        (1.0, 0.0),
        "the disk is not short"
    );
    let taken = b.send(&large("b"), &[7; 10]).await.unwrap();
    assert_eq!((taken.complete, taken.received), (false, 10));
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_tenant_share_what_it_may_promise() {
    let folder = Folder::new();
    let limits = "limits.max_promised_bytes = 1000\nlimits.max_stored_bytes = 40000";
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
    // A small file counts as 16 KiB.
    let refused = two.send(&file("third", 902), &[7; 10]).await.unwrap_err();
    assert!(refused.message().contains("max_stored_bytes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_does_not_go_on_loses_its_place() {
    let folder = Folder::new();
    folder.write("quarry.toml", "[artifacts]\nmax_upload_seconds = 5\n");
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
    assert!(
        ended
            .message()
            .contains("longer than max_upload_seconds = 5: resume"),
        "{ended}"
    );
    let slow = "quarry_uploads_refused_total{reason=\"slow\"}";
    until("count", || (service.metric(slow) == Some(1.0)).then_some(()));
    // Who uploads it again resumes it. On a busy machine that too may take too long.
    assert_eq!(caller.received(&artifact).await, 2048);
    folder.write("content", content);
    let mut client = service.client().await;
    let mut last = client.upload(&folder.file("content")).await;
    for _ in 0..10 {
        if last.is_ok() {
            break;
        }
        last = client.upload(&folder.file("content")).await;
    }
    last.unwrap();
}

pub async fn connect(service: &Appliance, token: &str) -> Client {
    let connection = Connection {
        token: Some(token.to_owned()),
        ..service.connection()
    };
    Client::connect(&connection).await.expect("a connection")
}

pub async fn tenant(client: &mut Client) -> Tenant {
    client.capabilities().await.unwrap().tenant.expect("a tenant")
}

/// The status of a refusal.
fn refusal<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Status {
    match answer {
        Err(ClientError::Status(status)) => *status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_told_its_limits_and_held_to_them() {
    let case = Folder::with_case("plain/fib_2p9");
    let config = |limits: &str| {
        case.write(
            "quarry.toml",
            client("one", "a", limits) + &client("two", "a", limits) + &client("other", "b", ""),
        );
    };
    config("limits.max_active_jobs = 1\nlimits.max_priority = 5");
    let service = Appliance::start(&case, "--config quarry.toml");
    case.quarry("admin --data data pause so-that-jobs-stay").exits(0);
    let (mut one, mut two) = (connect(&service, "one").await, connect(&service, "two").await);
    let spec = air_job(&mut one, &case, "blake").await;
    let urgent = JobSpec {
        priority: 6,
        ..spec.clone()
    };
    for refused in [
        refusal(one.submit(urgent.clone()).await),
        refusal(one.estimate(urgent).await),
    ] {
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().contains("at most 5 (max_priority)"),
            "{refused}"
        );
    }
    let first = JobSpec {
        priority: 5,
        dedup_key: "first".to_owned(),
        ..spec.clone()
    };
    submit(&mut one, first.clone()).await;
    let refused = refusal(two.submit(spec.clone()).await);
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_details_retry_info().is_some());
    for part in ["max_active_jobs", "has 1 ", "at most 1 "] {
        assert!(refused.message().contains(part), "{refused}");
    }
    assert!(
        two.submit(first).await.unwrap().existing,
        "a known job is returned all the same"
    );

    let told = tenant(&mut two).await;
    assert_eq!((&*told.name, told.max_priority), ("a", Some(5)));
    let active = Quota {
        used: 1,
        max: Some(1),
    };
    assert_eq!(told.active_jobs, Some(active));
    assert!(told.stored_bytes.unwrap().used > 1000, "{told:?}");
    assert!(told.record_bytes.is_some_and(|bytes| bytes > 0), "{told:?}");
    let told = tenant(&mut connect(&service, "other").await).await;
    assert_eq!((&*told.name, told.max_priority), ("b", Some(0)), "the defaults");
    assert_eq!(told.active_jobs.unwrap().used, 0);
    case.write("token", "two");
    let command = format!(
        "capabilities --token-file token --server http://{}",
        service.address
    );
    let shown = case.quarry(&command).exits(0);
    assert!(
        shown.stdout.contains("your tenant") && shown.stdout.contains("active jobs"),
        "{shown:?}"
    );
    let json = case.quarry(&format!("{command} --json")).exits(0).json();
    assert_eq!(
        json["tenant"]["active_jobs"],
        serde_json::json!({"used": 1, "max": 1})
    );

    config("limits.max_active_jobs = 2");
    case.quarry("admin --data data reload")
        .exits(0)
        .says(&["changed: clients"]);
    submit(&mut two, spec).await;
}

/// Waits for midnight (UTC) to pass if it is near.
pub async fn stay_within_a_day() {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = Duration::from_secs(24 * 3600 - since_1970.as_secs() % (24 * 3600));
    if left < Duration::from_secs(300) {
        tokio::time::sleep(left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn device_time_of_a_day_counts_cancelled_jobs_and_survives_a_restart() {
    stay_within_a_day().await;
    let folder = Folder::new();
    folder.write(
        "quarry.toml",
        client("one", "a", "limits.max_device_seconds_per_day = 1") + &client("other", "b", ""),
    );
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = connect(&service, "one").await;
    let spec = long_job(&mut client, 1 << 16).await;
    let used = async |client: &mut Client| tenant(client).await.device_seconds_today.unwrap().used;
    let mut n_tries = 0;
    while used(&mut client).await == 0 {
        n_tries += 1;
        assert!(n_tries < 100, "no device time was counted");
        let Ok(submitted) = client.submit(spec.clone()).await else {
            // The time was counted meanwhile.
            break;
        };
        let id = submitted.job.unwrap().id;
        let mut began = None;
        let by = Instant::now() + Duration::from_secs(120);
        loop {
            assert!(Instant::now() < by, "the job neither runs nor ends");
            let job = client.get(&id).await.unwrap();
            if job.state() == JobState::Running && began.is_none() {
                began = Some(Instant::now());
            }
            let is_enough = began.is_some_and(|began| began.elapsed() > Duration::from_millis(1200));
            if job.state().has_ended() || is_enough {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A fast machine may have ended it already.
        let _ = client.cancel(&id).await;
        let by = Instant::now() + Duration::from_secs(10);
        while used(&mut client).await == 0 && Instant::now() < by {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let refused = async |client: &mut Client| {
        let refused = refusal(client.submit(spec.clone()).await);
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(
            refused.message().contains("max_device_seconds_per_day"),
            "{refused}"
        );
        let delay = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(delay <= Duration::from_secs(24 * 3600), "{delay:?}");
    };
    refused(&mut client).await;
    service.kill();
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = connect(&service, "one").await;
    assert!(used(&mut client).await >= 1);
    refused(&mut client).await;
    let mut other = connect(&service, "other").await;
    assert_eq!(used(&mut other).await, 0);
    let spec = long_job(&mut other, 0).await;
    submit(&mut other, spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_so_many_estimates_at_a_time() {
    let folder = Folder::new();
    folder.write(
        "quarry.toml",
        "[limits_per_tenant]\nmax_estimates = 1\n".to_owned() + &client("one", "a", ""),
    );
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = connect(&service, "one").await;
    let spec = long_job(&mut client, 1 << 18).await;
    let (mut first, of_first) = (client.clone(), spec.clone());
    let estimate = tokio::spawn(async move { first.estimate(of_first).await });
    let child = service.process("child");
    signal("STOP", child);
    let refused = refusal(client.estimate(spec).await);
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("max_estimates"), "{refused}");
    assert_eq!(
        tenant(&mut client).await.estimates,
        Some(Quota {
            used: 1,
            max: Some(1)
        })
    );
    signal("CONT", child);
    estimate.await.unwrap().unwrap();
    assert_eq!(tenant(&mut client).await.estimates.unwrap().used, 0);
}

#[test]
fn a_tenant_that_can_fill_the_queue_is_named_in_the_log() {
    let folder = Folder::new();
    let greed = "limits.max_active_jobs = 10";
    let write = |others: &str| {
        let clients = client("one", "greedy", greed) + &client("other", "modest", others);
        folder.write("quarry.toml", "max_queued_jobs = 10\n".to_owned() + &clients);
    };
    write("");
    let service = Appliance::start(&folder, "--config quarry.toml");
    let log = service.log();
    let mut warnings = log.lines().filter(|line| line.contains("lets it fill the queue"));
    let warning = warnings.next().expect("a warning");
    assert!(warning.contains("greedy") && warnings.next().is_none(), "{log}");
    write(greed);
    folder.quarry("admin --data data reload").exits(0);
    until("a warning of the other tenant", || {
        let log = service.log();
        let mut warnings = log.lines().filter(|line| line.contains("lets it fill the queue"));
        warnings.any(|line| line.contains("modest")).then_some(())
    });
}
