//! Limits on clients that are unauthenticated, do not read, or do not send.

use crate::common::Folder;
use crate::common::appliance::{Appliance, until, until_async, upload};
use crate::common::identity::{authority, certificate, sha256};
use crate::common::raw::{answer, call, code, http2, message, whole};
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::{DownloadArtifactRequest, ListJobsRequest};
use quarry_client::{Client, Connection};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::Code;
use tonic::transport::Endpoint;

const DOWNLOAD: &str = "/quarry.prover.v1.Prover/DownloadArtifact";
const SUBMIT: &str = "/quarry.prover.v1.Prover/SubmitJob";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_of_what_strangers_send() {
    let folder = Folder::new();
    let client = format!(
        "[[clients]]\nsha256 = \"{}\"\ntenant = \"a\"\nroles = [\"submit\", \"read\"]\n",
        sha256(b"token")
    );
    let rates = "[rates]\nfailures = { per_second = 1, burst = 50 }\n";
    folder.write("clients.toml", format!("{rates}{client}"));
    let service = Appliance::start(&folder, "--config clients.toml");
    let to = http2(&service.address).await;

    // An authenticated client may start a request, but must finish it in time and within the size limit.
    let slow = tokio::spawn(answer(to.clone(), SUBMIT, Some("token"), message(1 << 17, 9)));
    let open = tokio::spawn(answer(to.clone(), HEALTH, None, message(1 << 17, 9)));
    let (code, _) = answer(to.clone(), SUBMIT, Some("token"), message(300 << 10, 300 << 10)).await;
    assert_eq!(code, Code::OutOfRange);
    // Zeros are no message.
    let (code, _) = answer(to.clone(), SUBMIT, Some("token"), message(4, 4)).await;
    assert_eq!(code, Code::InvalidArgument);

    // Unauthenticated clients are rejected before their message has arrived, whatever the method.
    let mut codes = Vec::new();
    for n in 0..60 {
        let path = if n % 2 == 0 { SUBMIT } else { REFLECTION };
        let (code, after) = answer(to.clone(), path, None, message(200 << 10, 60 << 10)).await;
        assert!(after < Duration::from_secs(5), "{after:?}");
        codes.push(code);
    }
    assert!(
        codes[..50].iter().all(|code| *code == Code::Unauthenticated),
        "{codes:?}"
    );
    assert_eq!(
        codes[59],
        Code::ResourceExhausted,
        "reflection is no way around the bound"
    );
    for call in [slow, open] {
        let (code, after) = call.await.unwrap();
        assert_eq!(code, Code::DeadlineExceeded);
        assert!(after >= Duration::from_secs(9), "{after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_that_nobody_reads_hold_nobody_up() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    folder.write("large.bin", vec![7; 8 << 20]);
    let mut client = service.client().await;
    let artifact = upload(&mut client, &folder.file("large.bin")).await;
    let channel = Endpoint::from_shared(format!("http://{}", service.address)).unwrap();
    let mut greedy = ProverClient::new(channel.connect().await.unwrap());
    let request = DownloadArtifactRequest {
        sha256: artifact.sha256.clone(),
        ..DownloadArtifactRequest::default()
    };
    let mut unread = Vec::new();
    let refused = loop {
        match greedy.download_artifact(request.clone()).await {
            Ok(stream) => unread.push(stream.into_inner()),
            Err(status) => break status,
        }
        assert!(unread.len() <= 100, "there is a bound");
    };
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let details = tonic_types::StatusExt::get_details_retry_info(&refused);
    assert!(
        details.is_some_and(|info| info.retry_delay.is_some()),
        "{refused:?}"
    );

    // The streams hold no thread, and other clients are served. The greedy client is served too once it ends a stream.
    let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let threads = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"))
        .unwrap();
    assert!(
        threads.trim().parse::<usize>().unwrap() < unread.len(),
        "{threads}"
    );
    let list = timeout(Duration::from_secs(5), client.list(ListJobsRequest::default())).await;
    list.expect("an answer").unwrap();
    unread.truncate(60);
    let begin = Instant::now();
    while let Err(status) = client.download(&artifact, &folder.file("copy.bin")).await {
        assert!(begin.elapsed() < Duration::from_secs(10), "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fs::read(folder.file("copy.bin")).unwrap(), [7; 8 << 20]);

    // A client that does not read gets an error after a while and can resume.
    tokio::time::sleep(Duration::from_secs(31)).await;
    let mut stalled = unread.pop().unwrap();
    drop(unread);
    let mut n_bytes = 0;
    let end = loop {
        match stalled.message().await {
            Ok(Some(chunk)) => n_bytes += chunk.data.len(),
            Ok(None) => panic!("{n_bytes} bytes are not all"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::DeadlineExceeded, "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_loses_its_connection() {
    let folder = Folder::new();
    folder.write("stall.toml", "max_client_stall_seconds = 5");
    let service = Appliance::start(&folder, "--config stall.toml");
    folder.write("large.bin", vec![7; 8 << 20]);
    let mut client = service.client().await;
    let artifact = upload(&mut client, &folder.file("large.bin")).await;
    // The digest is the first field.
    let mut request = vec![0, 0, 0, 0, 66, 0x0a, 64];
    request.extend(artifact.sha256.as_bytes());
    let mut greedy = http2(&service.address).await;
    let mut unread = Vec::new();
    for _ in 0..64 {
        unread.push(call(&mut greedy, DOWNLOAD, None, whole(&request)).await.unwrap());
    }
    assert!(unread.iter().all(|answer| code(answer) == Code::Ok));
    until("an end of the connection", || greedy.is_closed().then_some(()));
    // Its places are free, although it still holds its streams.
    until_async("free place", async || {
        let copied = client.download(&artifact, &folder.file("copy.bin")).await;
        let Err(refused) = copied.map_err(|error| error.to_string()) else {
            return Some(());
        };
        assert!(refused.contains("too many streams"), "{refused}");
        None
    })
    .await;
    drop(unread);
}

/// Waits until the server closes; returns how long that took.
async fn closes(begin: Instant, mut stream: impl AsyncRead + Unpin) -> u64 {
    let mut said = Vec::new();
    let end = timeout(Duration::from_secs(30), stream.read_to_end(&mut said)).await;
    // Whether it ends with an error or not is up to the service.
    let _ = end.expect("an end");
    begin.elapsed().as_secs()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_tls_says_something() {
    let folder = Folder::new();
    let authority = authority();
    let (certificate, key, _) = certificate(&authority, "localhost");
    folder.write("cert.pem", certificate);
    folder.write("key.pem", key);
    let client = format!(
        "[[clients]]\nsha256 = \"{}\"\ntenant = \"a\"\nroles = [\"read\"]\n",
        sha256(b"token")
    );
    folder.write(
        "secure.toml",
        format!("first_call_seconds = 10\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n{client}"),
    );
    let service = Appliance::start(&folder, "--config secure.toml");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let begin = Instant::now();
    let stream = TcpStream::connect(&service.address).await.unwrap();
    let shaken = connector.connect(name, stream).await.unwrap();
    let begin_silent = Instant::now();
    let silent = TcpStream::connect(&service.address).await.unwrap();
    // A connection of a known client is kept, even if it is silent afterwards.
    let mut client = Client::connect(&Connection {
        server: service.address.replace("127.0.0.1", "https://localhost"),
        token: Some("token".to_owned()),
        authority: Some(authority.pem().into_bytes()),
        ..Connection::default()
    })
    .await
    .unwrap();
    client.capabilities().await.unwrap();
    let (shaken, silent) = tokio::join!(closes(begin, shaken), closes(begin_silent, silent));
    assert!((9..15).contains(&shaken), "{shaken}");
    assert!((9..15).contains(&silent), "{silent}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.capabilities().await.unwrap();
}
