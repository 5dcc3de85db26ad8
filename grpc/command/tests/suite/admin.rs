//! The admin API on its own socket: pause, backup, reload, drain.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, get, until};
use quarry_client::admin::GetStatusRequest;
use quarry_client::admin::admin_client::AdminClient;
use quarry_client::protocol::{JobSpec, JobState, WatchJobsRequest};
use quarry_client::{Client, ClientError, Connection};
use quarry_service::store::{JobStore, RedbStore};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::time::{Duration, SystemTime};
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_request::MessageRequest};

const PLAIN: &str = "plain/fib_2p9";

/// The services that reflection lists.
async fn services(endpoint: &str) -> String {
    let channel = Endpoint::from_shared(endpoint.to_owned()).unwrap();
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answer = ServerReflectionClient::new(channel.connect().await.unwrap())
        .server_reflection_info(tokio_stream::iter([list]))
        .await
        .unwrap();
    format!("{:?}", answer.into_inner().message().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_its_own() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let socket = folder.file("data/admin.sock");
    let permissions = || {
        let file = fs::symlink_metadata(&socket).unwrap();
        assert!(file.file_type().is_socket());
        file.permissions().mode() & 0o777
    };
    assert_eq!(permissions(), 0o600);
    let admin = format!("unix://{}", socket.display());
    let clients = format!("http://{}", service.address);
    assert!(services(&admin).await.contains("quarry.admin.v1.Admin"));
    assert!(!services(&admin).await.contains("quarry.prover.v1.Prover\""));
    assert!(services(&clients).await.contains("quarry.prover.v1.Prover"));
    assert!(!services(&clients).await.contains("admin"));
    let mut elsewhere = AdminClient::connect(clients).await.unwrap();
    let refused = elsewhere.get_status(GetStatusRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);

    let standing = folder.quarry("admin --data data status").exits(0).json();
    assert_eq!(standing["devices"][0]["name"], "cpu", "{standing}");
    assert_eq!(standing["waiting"], 0, "{standing}");

    // The stale socket of a killed service is replaced; a file that is not a socket is left alone.
    service.kill();
    assert!(socket.exists());
    folder.quarry("admin --data data status").exits(4);
    let service = Appliance::start(&folder, "");
    assert_eq!(permissions(), 0o600);
    folder.quarry("admin status --data data").exits(0);
    folder.quarry("admin drain --data data").exits(0);
    assert!(service.wait().success());
    assert!(!socket.exists());
    folder.write("precious", "x");
    let refused = folder
        .quarry("serve --data data --listen 127.0.0.1:0 --http 127.0.0.1:0 --device cpu --admin precious");
    refused.exits(2).says(&["admin socket 'precious'"]);
    assert_eq!(fs::read(folder.file("precious")).unwrap(), b"x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_until_it_is_resumed() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let paused = case.quarry("admin --data data pause the-gpu-is-replaced");
    assert_eq!(paused.exits(0).json()["paused"], "the-gpu-is-replaced");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let id = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
    let promised = JobSpec {
        deadline: Some((SystemTime::now() + Duration::from_secs(24 * 3600)).into()),
        ..spec
    };
    match client.submit(promised).await {
        Err(ClientError::Status(status)) => {
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert!(status.message().contains("the-gpu-is-replaced"), "{status}");
        }
        other => panic!("a promise that the service cannot keep: {other:?}"),
    }
    let standing = || case.quarry("admin --data data status").exits(0).json();
    until("a job that waits", || (standing()["waiting"] == 1).then_some(()));

    let is_queued = async |service: &Appliance| {
        let mut client = service.client().await;
        for _ in 0..40 {
            if client.get(&id).await.unwrap().state() == JobState::Queued {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return client.get(&id).await.unwrap().state() == JobState::Queued;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    };
    assert!(is_queued(&service).await);
    let (code, _, why) = get(&service.http, "/readyz");
    assert!(code == 503 && why.contains("the-gpu-is-replaced"), "{code} {why}");
    let capabilities = client.capabilities().await.unwrap();
    assert_eq!(capabilities.paused.as_deref(), Some("the-gpu-is-replaced"));

    service.kill();
    let service = Appliance::start(&case, "");
    assert!(is_queued(&service).await, "across a restart");
    assert_eq!(standing()["paused"], "the-gpu-is-replaced");
    let resumed = case.quarry("admin --data data resume").exits(0).json();
    assert_eq!(resumed["paused"], serde_json::Value::Null);
    let mut client = service.client().await;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert_eq!(client.capabilities().await.unwrap().paused, None);
    service.kill();
    let service = Appliance::start(&case, "");
    until("readiness", || {
        (get(&service.http, "/readyz").0 == 200).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_while_jobs_run_has_all_that_were_accepted() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let mut submitted = Vec::new();
    for n in 0..12 {
        let spec = JobSpec {
            dedup_key: format!("block {n}"),
            ..spec.clone()
        };
        submitted.push(client.submit(spec).await.unwrap().job.unwrap().id);
        if n == 8 {
            until("a job that has ended", || {
                let standing = case.quarry("admin --data data status").exits(0).json();
                (standing["waiting"].as_u64() < Some(8)).then_some(())
            });
        }
    }
    fs::create_dir(case.file("copy")).unwrap();
    case.quarry("admin backup copy/store.redb --data data")
        .exits(0)
        .says(&["artifacts"]);
    case.quarry("admin backup copy/store.redb --data data")
        .exits(2)
        .says(&["exists"]);
    let standing = case.quarry("admin --data data status").exits(0).json();
    assert!(standing["not_ready"].as_array().unwrap().is_empty(), "{standing}");
    {
        let copy = RedbStore::open(&case.file("copy/store.redb")).unwrap();
        for id in &submitted {
            assert!(copy.get(id).is_ok(), "{id}");
        }
    }
    case.quarry("admin check --data data").exits(0).says(&["whole"]);
    service.kill();

    // The copy is a valid store: a service continues its jobs.
    let copied = std::process::Command::new("cp")
        .args(["-a", "data/artifacts", "copy/"])
        .current_dir(case.path())
        .status();
    assert!(copied.unwrap().success());
    fs::remove_dir_all(case.file("data")).unwrap();
    let service = Appliance::start(&case, "--data copy");
    let mut client = service.client().await;
    for id in &submitted {
        let job = client.wait(id, |_| {}).await.unwrap();
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_revoked_without_a_restart() {
    let folder = Folder::with_case(PLAIN);
    let name = |tokens: &[&str]| {
        let client = |token: &&str| {
            let digest = Sha256::digest(token.as_bytes());
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[[clients]]\nsha256 = \"{digest}\"\ntenant = \"t\"\nroles = [\"submit\", \"read\"]\n")
        };
        folder.write(
            "clients.toml",
            tokens.iter().map(client).collect::<Vec<_>>().concat(),
        );
    };
    name(&["old", "both"]);
    let service = Appliance::start(&folder, "--config clients.toml");
    let client = async |token: &str| {
        let connection = Connection {
            token: Some(token.to_owned()),
            ..service.connection()
        };
        Client::connect(&connection).await.unwrap()
    };
    let is_known = async |token: &str| match client(token).await.capabilities().await {
        Ok(_) => true,
        Err(ClientError::Status(status)) if status.code() == Code::Unauthenticated => false,
        Err(error) => panic!("{error}"),
    };
    assert!(is_known("old").await && is_known("both").await && !is_known("new").await);
    folder
        .quarry("admin --data data pause so-that-the-job-waits")
        .exits(0);
    let mut both = client("both").await;
    let spec = air_job(&mut both, &folder, "blake").await;
    let job_id = both.submit(spec).await.unwrap().job.unwrap().id;
    let watch = WatchJobsRequest { after: 0, job_id };
    let mut seen = client("old").await.watch(watch.clone()).await.unwrap();
    assert!(seen.message().await.unwrap().is_some());
    name(&["both", "new"]);
    assert!(!is_known("new").await, "not before they are read");
    folder
        .quarry("admin reload --data data")
        .exits(0)
        .says(&["2 clients"]);
    assert!(!is_known("old").await && is_known("both").await && is_known("new").await);
    // A watch opened before the reload gets no later events.
    both.cancel(&watch.job_id).await.unwrap();
    let refused = loop {
        match seen.message().await {
            Ok(event) => assert_ne!(event.expect("no end").state(), JobState::Cancelled),
            Err(status) => break status.code(),
        }
    };
    assert_eq!(refused, Code::Unauthenticated);
    folder.write("clients.toml", "[[clients]]\nsha256 = \"short\"\n");
    folder.quarry("admin reload --data data").exits(2);
    name(&["both", "both"]);
    folder.quarry("admin reload --data data").exits(2);
    // A file without clients would give everyone access.
    folder.write("clients.toml", "");
    folder.quarry("admin reload --data data").exits(2);
    assert!(
        is_known("new").await && !is_known("nobody").await,
        "what is refused changes nothing"
    );
}
