//! Limits of the service's own process (`ulimit`).

use crate::common::appliance::{Appliance, air_job, kept, submit, wait};
use crate::common::{Folder, Ran};
use quarry_client::ClientError;
use quarry_client::protocol::JobState;
use std::fs;
use std::process::Command;
use tonic::Code;

const SERVE: &str = "serve --data data --listen 127.0.0.1:0 --http 127.0.0.1:0 --device cpu";

/// Runs the service under a limit until it ends.
fn serve_under(folder: &Folder, limit: &str) -> Ran {
    let program = env!("CARGO_BIN_EXE_quarry");
    let line = format!("ulimit {limit}; exec timeout 60 '{program}' {SERVE}");
    let ran = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .output();
    ran.expect("a shell").into()
}

#[test]
fn too_few_threads_are_an_error_that_names_the_limit() {
    let folder = Folder::new();
    let ran = serve_under(&folder, "-d 8192").exits(2);
    let ran = ran.says(&["cannot start threads", "8192 (ulimit -d", "2 MiB of stack"]);
    assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
    assert!(!folder.file("data").exists(), "nothing was made");
}

/// Larger than the store and than the files of a small job.
const MAX_FILE: u64 = 4 << 20;

/// A limit of file sizes is met as a full disk is: in the middle of a write.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_meets_a_limit_fails_alone_and_is_resumed() {
    let case = Folder::with_case("plain/fib_2p9");
    let limit = [format!("--fsize={MAX_FILE}:unlimited")];
    let service = Appliance::start_by(&case, "prlimit", &limit.each_ref().map(String::as_str));
    let mut client = service.client().await;
    let bytes: Vec<u8> = (0..3 * MAX_FILE / 2).map(|n| (n % 251) as u8).collect();
    case.write("large", &bytes);
    match client.upload(&case.file("large")).await {
        Err(ClientError::Status(status)) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        other => panic!("{other:?}"),
    }
    let [part] = &kept(&case, "parts")[..] else {
        panic!("one part");
    };
    let received = part.metadata().unwrap().len();
    assert!(received > 0 && received <= MAX_FILE, "{received}");
    let storage = "quarry_uploads_refused_total{reason=\"storage\"}";
    assert_eq!(service.metric(storage), Some(1.0));
    // Nobody else is concerned.
    let spec = air_job(&mut client, &case, "blake").await;
    let id = submit(&mut client, spec).await.id;
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);

    let lifted = Command::new("prlimit")
        .args([
            format!("--pid={}", service.id()),
            "--fsize=unlimited:unlimited".to_owned(),
        ])
        .status();
    assert!(lifted.unwrap().success());
    let file = client.upload(&case.file("large")).await.unwrap();
    client.download(&file, &case.file("again")).await.unwrap();
    assert!(fs::read(case.file("again")).unwrap() == bytes);
}

#[test]
fn a_store_that_meets_a_limit_is_an_error() {
    let folder = Folder::new();
    let ran = serve_under(&folder, "-f 4").exits(2).says(&["the store"]);
    assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
}
