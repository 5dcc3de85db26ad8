//! Requests that are not whole, not gRPC, or too many.

use crate::common::Folder;
use crate::common::appliance::{Appliance, until};
use crate::common::identity::sha256;
use crate::common::raw::{Sent, call, code, http2, http2_from, http2_unread, message, send, whole};
use hyper::client::conn::http2::SendRequest;
use hyper::{Method, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::Code;

const CAPABILITIES: &str = "/quarry.prover.v1.Prover/GetCapabilities";
const SUBMIT: &str = "/quarry.prover.v1.Prover/SubmitJob";
const UPLOAD: &str = "/quarry.prover.v1.Prover/UploadArtifact";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

async fn code_of(to: &mut SendRequest<Sent>, path: &str, body: &[u8]) -> Code {
    code(&call(to, path, None, whole(body)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_whole_is_the_callers_mistake() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut to = http2(&service.address).await;
    let broken: [&[u8]; 5] = [
        &[],
        &[0],
        &[0, 0, 0, 0, 9, 1],
        &[7, 0, 0, 0, 0],
        // The first message is whole.
        &[0, 0, 0, 0, 0, 0, 0],
    ];
    for path in [CAPABILITIES, UPLOAD, HEALTH] {
        for body in broken {
            assert_eq!(
                code_of(&mut to, path, body).await,
                Code::InvalidArgument,
                "{path} {body:?}"
            );
        }
    }
    assert_eq!(
        code_of(&mut to, REFLECTION, &[]).await,
        Code::Ok,
        "a stream may be empty"
    );
    for path in [CAPABILITIES, HEALTH] {
        assert_eq!(code_of(&mut to, path, &[0; 5]).await, Code::Ok, "{path}");
    }
    // gRPC wants this one to be an internal error.
    let compressed = code_of(&mut to, CAPABILITIES, &[1, 0, 0, 0, 0]).await;
    assert_eq!(compressed, Code::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_grpc_is_refused_by_http() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut to = http2(&service.address).await;
    for (method, kind, status) in [
        (Method::POST, "application/grpc+proto", 200),
        (Method::POST, "text/html", 415),
        (Method::POST, "application/grpc-web", 415),
        (Method::GET, "application/grpc", 405),
        (Method::PUT, "text/html", 405),
    ] {
        let what = format!("{method} {kind}");
        let request = Request::builder()
            .method(method)
            .uri(format!("http://localhost{CAPABILITIES}"))
            .header("content-type", kind);
        let answer = send(&mut to, request.body(whole(&[0; 5])).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_never_end_take_little_memory() {
    let folder = Folder::new();
    let client = |name: &str| {
        let digest = sha256(name.as_bytes());
        format!("[[clients]]\nsha256 = \"{digest}\"\ntenant = \"{name}\"\nroles = [\"submit\", \"read\"]\n")
    };
    folder.write("clients.toml", format!("{}{}", client("a"), client("b")));
    let service = Appliance::start(&folder, "--config clients.toml");
    let greedy = http2(&service.address).await;
    let refused = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (mut greedy, refused) = (greedy.clone(), Arc::clone(&refused));
            tokio::spawn(async move {
                let never_ends = message(250 << 10, 249 << 10);
                let answer = call(&mut greedy, SUBMIT, Some("a"), never_ends).await.unwrap();
                if code(&answer) == Code::ResourceExhausted {
                    assert!(
                        answer.headers().contains_key("grpc-status-details-bin"),
                        "a delay"
                    );
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // 16 MiB are 67 of them.
    until("refusals", || {
        (refused.load(Ordering::Relaxed) >= 33).then_some(())
    });
    let ask = async |to: &mut SendRequest<Sent>, who| {
        code(&call(to, CAPABILITIES, Some(who), whole(&[0; 5])).await.unwrap())
    };
    let mut to = http2(&service.address).await;
    assert_eq!(ask(&mut to, "b").await, Code::Ok, "another tenant has its own");
    for call in calls {
        call.abort();
    }
    drop(greedy);
    while ask(&mut to, "a").await != Code::Ok {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_take_little_memory() {
    let folder = Folder::new();
    folder.write("patient.toml", "max_client_stall_seconds = 600");
    let service = Appliance::start(&folder, "--config patient.toml");
    let mut unread = Vec::new();
    // Each counts 16 KiB and its bytes; an address has 16 MiB.
    for _ in 0..11 {
        let mut greedy = http2_unread(&service.address).await;
        for _ in 0..100 {
            let answer = call(&mut greedy, CAPABILITIES, None, whole(&[0; 5]))
                .await
                .unwrap();
            unread.push((code(&answer), answer));
        }
    }
    let refused = unread.iter().filter(|(code, _)| *code == Code::ResourceExhausted);
    assert!(refused.count() >= 76);
    let mut other = http2_from([127, 0, 0, 2], &service.address).await;
    assert_eq!(code_of(&mut other, CAPABILITIES, &[0; 5]).await, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_its_answers_unread_loses_its_connection() {
    let folder = Folder::new();
    folder.write("stall.toml", "max_client_stall_seconds = 1");
    let service = Appliance::start(&folder, "--config stall.toml");
    let mut greedy = http2_unread(&service.address).await;
    let answer = call(&mut greedy, CAPABILITIES, None, whole(&[0; 5]))
        .await
        .unwrap();
    assert_eq!(code(&answer), Code::Ok);
    until("an end of the connection", || greedy.is_closed().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_calls_that_are_open_to_all() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut watches = Vec::new();
    let mut refused = false;
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut greedy = http2_from([127, 0, 0, 2], &service.address).await;
        for _ in 0..100 {
            let watch = call(&mut greedy, WATCH, None, whole(&[0; 5])).await.unwrap();
            refused |= code(&watch) == Code::ResourceExhausted;
            watches.push(watch);
        }
        connections.push(greedy);
    }
    assert!(refused, "they have a limit");
    // Open streams take no room from calls that end, not even of the same address.
    let mut same = http2_from([127, 0, 0, 2], &service.address).await;
    assert_eq!(code_of(&mut same, HEALTH, &[0; 5]).await, Code::Ok);
    let mut other = http2(&service.address).await;
    assert_eq!(
        code_of(&mut other, HEALTH, &[0; 5]).await,
        Code::Ok,
        "of that address alone"
    );
    drop((watches, connections));
    while code_of(&mut same, WATCH, &[0; 5]).await != Code::Ok {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
