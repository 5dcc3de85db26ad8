//! Which connections are kept, and which give their places to others.

use crate::common::Folder;
use crate::common::appliance::{Appliance, until};
use crate::common::identity::sha256;
use crate::common::raw::{Sent, answer, call, code, http2, http2_from, message, whole};
use hyper::client::conn::http2::SendRequest;
use std::time::{Duration, Instant};
use tonic::Code;

/// A message without fields.
const EMPTY: [u8; 5] = [0; 5];
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
const CAPABILITIES: &str = "/quarry.prover.v1.Prover/GetCapabilities";

fn with_client(folder: &Folder, keys: &str) {
    let client = "tenant = \"a\"\nroles = [\"submit\", \"read\"]\n";
    let digest = sha256(b"token");
    folder.write(
        "clients.toml",
        format!("{keys}[[clients]]\nsha256 = \"{digest}\"\n{client}"),
    );
}

/// A connection of a known client, whose only call has ended.
async fn known(address: &str) -> SendRequest<Sent> {
    let connection = http2(address).await;
    let (code, _) = answer(connection.clone(), CAPABILITIES, Some("token"), whole(&EMPTY)).await;
    assert_eq!(code, Code::Ok);
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_call_of_a_known_client_is_closed() {
    let folder = Folder::new();
    with_client(&folder, "first_call_seconds = 5\n");
    let service = Appliance::start(&folder, "--config clients.toml");
    let known = known(&service.address).await;
    let mut watching = http2(&service.address).await;
    let watch = call(&mut watching, HEALTH_WATCH, None, whole(&EMPTY))
        .await
        .unwrap();
    assert_eq!(code(&watch), Code::Ok);
    let silent = http2(&service.address).await;
    until("an end of silence", || silent.is_closed().then_some(()));

    // Calls that are refused do not count.
    let mut stranger = http2(&service.address).await;
    let begin = Instant::now();
    while let Ok(answer) = call(&mut stranger, CAPABILITIES, Some("guess"), message(9, 0)).await {
        assert_ne!(code(&answer), Code::Ok);
        assert!(begin.elapsed() < Duration::from_secs(60), "an end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!watching.is_closed(), "health is open to all");
    assert!(!known.is_closed(), "a known client may be idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_strangers_lock_nobody_out() {
    let folder = Folder::new();
    with_client(&folder, "first_call_seconds = 3600\n");
    // Half of the descriptors are for connections.
    let service = Appliance::start_by(
        &folder,
        "prlimit",
        &["--nofile=128", "env", "QUARRY_CONFIG=clients.toml"],
    );
    let known = known(&service.address).await;
    let mut flood = Vec::new();
    for n in 0..200 {
        // Some ask for health, which is open to all.
        let mut stranger = http2_from([127, 0, 0, 2 + n % 2], &service.address).await;
        if n % 10 == 0 {
            let _ = call(&mut stranger, HEALTH_WATCH, None, whole(&EMPTY)).await;
        }
        flood.push(stranger);
    }
    let n_open = || flood.iter().filter(|stranger| !stranger.is_closed()).count();
    until("places for others", || (n_open() < 64).then_some(()));
    let next = self::known(&service.address).await;
    assert!(!known.is_closed() && !next.is_closed() && n_open() > 0);
}
