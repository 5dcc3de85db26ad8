//! External signers that do what they should, and others.

use super::*;
use crate::envelope::{Draft, Envelope, EnvelopeError, Kind, SecretKey, Signer};
use serde_json::{Value, json};
use std::future::pending;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NOW: u64 = 1_800_000_000;

fn key() -> SecretKey {
    SecretKey::ed25519([7; 32])
}

fn other_key() -> SecretKey {
    SecretKey::stark([5; 32]).unwrap()
}

fn draft() -> Draft {
    Draft::new(Kind::Job, "devnet", NOW)
        .nonce(b"1")
        .payload(b"a job".to_vec())
}

/// The answer to a question: a status and a body. None: silence.
type Answer = Option<(u16, Value)>;

/// A server on loopback that answers each request by itself; a GET has no question. Returns its address.
async fn serve(answer: impl Fn(Option<Value>) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sign", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(respond(stream, answer.clone()));
        }
    });
    url
}

async fn respond(mut stream: TcpStream, answer: Arc<impl Fn(Option<Value>) -> Answer>) {
    let mut received = Vec::new();
    let body = loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.unwrap();
        received.extend(&chunk[..n]);
        let text = String::from_utf8_lossy(&received).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.contains(" /sign HTTP/1.1\r\n"), "{head}");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            break body.to_owned();
        }
    };
    let Some((status, value)) = answer(serde_json::from_str(&body).ok()) else {
        return pending().await;
    };
    let value = value.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", value.len());
    // A client that has read enough may be gone.
    let _ = stream.write_all(format!("{head}{value}").as_bytes()).await;
}

/// What a signer should do.
fn honest(key: &SecretKey, question: Option<Value>) -> Answer {
    let Some(question) = question else {
        return Some((200, json!({ "public_key": key.public_key().to_string() })));
    };
    let body = draft().body(key.public_key()).unwrap();
    assert_eq!(
        question,
        json!({
            "public_key": key.public_key().to_string(),
            "body": hex(body.bytes()),
            "digest": body.digest().to_string(),
        })
    );
    Some((200, json!({ "signature": hex(&key.sign(&body.signed_bytes())) })))
}

/// Opens the signer of a server that is honest about its key and answers a POST with this.
async fn seal(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Vec<u8>, SignerError> {
    let url = serve(move |question| match question {
        None => honest(&key(), None),
        Some(_) => answer(),
    });
    let patience = Patience {
        connect: Duration::from_secs(2),
        whole: Duration::from_millis(300),
    };
    let external = External::open_within(&url.await, patience).await?;
    let body = draft().body(external.public_key())?;
    let signature = external.sign(&body).await?;
    Ok(body.with(&signature)?)
}

/// The reason of an error, without the address.
fn why(error: SignerError) -> ExternalError {
    match error {
        SignerError::External { why, .. } => why,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_external_signer_makes_the_same_envelope() {
    for key in [key(), other_key()] {
        let expected = draft().sign(&key).unwrap();
        let public_key = key.public_key();
        let url = serve(move |question| honest(&key, question)).await;
        let signer = Signer::open(&url).await.unwrap();
        assert_eq!(signer.public_key(), public_key);
        let sealed = signer.seal(draft()).await.unwrap();
        assert_eq!(sealed, expected);
        assert!(Envelope::parse(sealed).unwrap().verify().is_ok());
    }
}

/// A signature that nobody would take is not sent to anybody.
#[tokio::test]
async fn signatures_that_are_not_valid_are_not_used() {
    let of_other_key = || {
        let body = draft().body(key().public_key()).unwrap();
        Some((
            200,
            json!({ "signature": hex(&other_key().sign(&body.signed_bytes())) }),
        ))
    };
    let of_other_message = || Some((200, json!({ "signature": hex(&key().sign(b"other")) })));
    let refused = [seal(of_other_key).await, seal(of_other_message).await];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(
            matches!(error, SignerError::Envelope(EnvelopeError::Signature { .. })),
            "{error}"
        );
    }
}

#[tokio::test]
async fn responses_of_other_forms_are_refused() {
    let long = || Some((200, json!({ "signature": "0".repeat(MAX_RESPONSE_BYTES) })));
    assert!(matches!(
        why(seal(long).await.unwrap_err()),
        ExternalError::TooLong
    ));
    let short = || Some((200, json!({ "signature": "00" })));
    assert!(matches!(
        why(seal(short).await.unwrap_err()),
        ExternalError::Signature
    ));
    let other = || Some((200, json!([1])));
    assert!(matches!(
        why(seal(other).await.unwrap_err()),
        ExternalError::Form(_)
    ));
    for (status, is_transient) in [(403, false), (429, true), (500, false), (503, true)] {
        let error = why(seal(move || Some((status, json!({})))).await.unwrap_err());
        assert!(
            matches!(error, ExternalError::Status(got) if got.as_u16() == status),
            "{error}"
        );
        assert_eq!(error.is_transient(), is_transient, "{error}");
    }
    let weak = format!("ed25519:01{}", "0".repeat(62));
    for key in ["rsa", &weak] {
        let answer = json!({ "public_key": key });
        let url = serve(move |_| Some((200, answer.clone()))).await;
        let error = why(Signer::open(&url).await.unwrap_err());
        assert!(matches!(error, ExternalError::Key(_)), "{error}");
    }
}

#[tokio::test]
async fn a_signer_that_hangs_is_given_up() {
    let error = seal(|| None).await.unwrap_err();
    assert!(error.to_string().contains("no response within 0.3 s"), "{error}");
    assert!(matches!(why(error), ExternalError::Timeout(_)));
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = why(Signer::open(&url).await.unwrap_err());
    assert!(matches!(error, ExternalError::Connect(_)), "{error}");
}

/// Nothing is sent to such an address: the test would hang or fail to resolve a name.
#[tokio::test]
async fn a_signer_is_on_this_machine() {
    for url in [
        "http://192.0.2.1:80/sign",
        "http://signer.example/sign",
        "http://127.0.0.1.example/",
        "https://127.0.0.1:1/sign",
        "ftp://127.0.0.1/",
        "http://",
        "http://127.0.0.1:port/",
        "http://127.0.0.1/",
    ] {
        let error = Signer::open(url).await.unwrap_err();
        assert!(error.to_string().contains("loopback"), "{error}");
        assert!(matches!(why(error), ExternalError::Address), "{url}");
    }
}

#[tokio::test]
async fn what_is_no_address_is_a_file() {
    let error = Signer::open("no/such/client.key").await.unwrap_err();
    assert!(matches!(error, SignerError::File(_)), "{error}");
}
