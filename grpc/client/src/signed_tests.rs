//! Clients with a key, against an appliance of a few lines that counts what it is asked.

use super::*;
use crate::Connection;
use crate::envelope::{PublicKey, SecretKey};
use crate::protocol::{GetJobRequest, OpenSessionRequest, OpenSessionResponse, Signing};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn client_key() -> SecretKey {
    SecretKey::ed25519([7; 32])
}

fn own_key() -> SecretKey {
    SecretKey::stark([5; 32]).unwrap()
}

/// What an appliance has seen, and how it behaves.
#[derive(Default)]
struct Seen {
    /// The token that it knows.
    token: String,
    n_sessions: usize,
    /// Envelopes of jobs as received.
    jobs: Vec<Vec<u8>>,
    /// Answers that it loses, by resetting the stream and by UNAVAILABLE in turn.
    n_lost: usize,
    /// Whether it is older than signed messages.
    is_old: bool,
}

#[derive(Clone, Default)]
struct Appliance(Arc<Mutex<Seen>>);

/// An answer: a message, a status, or none.
type Answer = Result<Vec<u8>, Option<Code>>;

impl Appliance {
    /// Listens on loopback; returns a connection to it without credentials.
    async fn start(&self) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let appliance = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let appliance = appliance.clone();
                let respond = service_fn(move |request| appliance.clone().respond(request));
                let server = http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), respond));
            }
        });
        Connection {
            server,
            ..Connection::default()
        }
    }

    /// [`Appliance::start`] and a client with a key.
    async fn client(&self) -> Client {
        let connection = Connection {
            signer: Some(client_key().into()),
            prover: Some(own_key().public_key()),
            ..self.start().await
        };
        Client::connect(&connection).await.unwrap()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<Body>, &'static str> {
        let (head, body) = request.into_parts();
        let bytes = body.collect().await.map_err(|_| "a broken request")?.to_bytes();
        let token = head
            .headers
            .get(AUTHORIZATION)
            .map(|value| value.to_str().unwrap());
        // A message comes after a flag and its length.
        let answer = self.answer(head.uri.path(), token.unwrap_or_default(), &bytes[5..]);
        let (code, message) = match answer {
            Ok(message) => (Code::Ok, message),
            Err(Some(code)) => (code, Vec::new()),
            Err(None) => return Err("the answer is lost"),
        };
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", (code as i32).into());
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&[0], &length[..], &message].concat();
        let body = Full::new(Bytes::from(framed)).with_trailers(async { Some(Ok(trailers)) });
        let response = Response::builder().header(CONTENT_TYPE, "application/grpc");
        Ok(response.body(body.boxed()).unwrap())
    }

    fn answer(&self, path: &str, token: &str, message: &[u8]) -> Answer {
        let mut seen = self.seen();
        let known = format!("Bearer {}", seen.token);
        match path.strip_prefix("/quarry.prover.v1.").unwrap() {
            "Sessions/GetSigning" if seen.is_old => Err(Some(Code::Unimplemented)),
            "Sessions/GetSigning" => Ok(Signing {
                network: "devnet".to_owned(),
                public_key: own_key().public_key().to_string(),
                ..Default::default()
            }
            .encode_to_vec()),
            "Sessions/OpenSession" => {
                assert_eq!(token, "", "whoever opens a session has none");
                let request = OpenSessionRequest::decode(message).unwrap();
                let envelope = Envelope::parse(request.envelope).unwrap();
                expect(&envelope, Kind::Session);
                seen.n_sessions += 1;
                seen.token = format!("token-{}", seen.n_sessions);
                let token = seen.token.clone();
                Ok(OpenSessionResponse {
                    token,
                    ..Default::default()
                }
                .encode_to_vec())
            }
            _ if token != known => Err(Some(Code::Unauthenticated)),
            "Prover/GetJob" => {
                GetJobRequest::decode(message).unwrap();
                Ok(job().encode_to_vec())
            }
            "Prover/SubmitJob" => {
                let request = SubmitJobRequest::decode(message).unwrap();
                assert_eq!(request.spec, None);
                seen.jobs.push(request.envelope.clone());
                if seen.n_lost > 0 {
                    seen.n_lost -= 1;
                    return Err(seen.n_lost.is_multiple_of(2).then_some(Code::Unavailable));
                }
                let envelope = Envelope::parse(request.envelope).unwrap();
                expect(&envelope, Kind::Job);
                let response = SubmitJobResponse {
                    job: Some(job()),
                    existing: seen.jobs.len() > 1,
                    acceptance: accept(&envelope, |draft| draft, own_key()),
                };
                Ok(response.encode_to_vec())
            }
            path => panic!("{path}"),
        }
    }
}

/// Panics unless an envelope is of the client to the appliance, and its signature is valid.
fn expect(envelope: &Envelope, kind: Kind) {
    let expected = Expected {
        kind,
        network: "devnet",
        audience: Some(own_key().public_key()),
        now: now(),
    };
    envelope.check(&expected).unwrap();
    assert_eq!(envelope.audience(), expected.audience);
    assert_eq!(envelope.signer(), client_key().public_key());
    envelope.clone().verify().unwrap();
}

fn job() -> Job {
    Job {
        id: "0192f0c4d5e67890".to_owned(),
        ..Default::default()
    }
}

/// An acceptance of a request, changed, of a key.
fn accept(request: &Envelope, change: impl Fn(Draft) -> Draft, key: SecretKey) -> Vec<u8> {
    let draft = Draft::new(Kind::Acceptance, "devnet", now())
        .audience(Some(request.signer()))
        .nonce(b"1")
        .payload(promise(request, &job().id));
    change(draft).sign(&key).unwrap()
}

fn promise(request: &Envelope, job_id: &str) -> Vec<u8> {
    let acceptance = Acceptance {
        request_digest: request.digest().to_string(),
        job_id: job_id.to_owned(),
        ..Default::default()
    };
    acceptance.encode_to_vec()
}

fn status(error: &ClientError) -> Option<Code> {
    match error {
        ClientError::Status(status) => Some(status.code()),
        _ => None,
    }
}

#[tokio::test]
async fn a_session_identifies_the_client_until_it_ends() {
    let appliance = Appliance::default();
    let mut client = appliance.client().await;
    assert_eq!(client.get("1").await.unwrap(), job());
    assert_eq!(appliance.seen().n_sessions, 1);
    // As after a restart.
    appliance.seen().token.clear();
    let mut clone = client.clone();
    let (one, other) = tokio::join!(client.get("1"), clone.get("1"));
    assert_eq!((one.unwrap(), other.unwrap()), (job(), job()));
    assert_eq!(appliance.seen().n_sessions, 2, "clones share a session");
}

/// A token is all that such a client has.
#[tokio::test]
async fn a_client_with_a_token_opens_no_session() {
    let appliance = Appliance::default();
    appliance.seen().token = "own".to_owned();
    let connection = Connection {
        token: Some("own".to_owned()),
        signer: Some(client_key().into()),
        ..appliance.start().await
    };
    let mut client = Client::connect(&connection).await.unwrap();
    assert_eq!(client.get("1").await.unwrap(), job());
    client.submit_signed(&JobSpec::default(), b"1").await.unwrap();
    appliance.seen().token = "another".to_owned();
    let refused = client.get("1").await.unwrap_err();
    assert_eq!(status(&refused), Some(Code::Unauthenticated));
    assert_eq!(appliance.seen().n_sessions, 0);
}

/// Nothing that is signed goes to an appliance with another key, with or without a session.
#[tokio::test]
async fn another_appliance_gets_nothing() {
    let appliance = Appliance::default();
    let connection = Connection {
        prover: Some(client_key().public_key()),
        ..appliance.start().await
    };
    let signer = Some(client_key().into());
    let token = Some("own".to_owned());
    for connection in [
        Connection {
            signer: signer.clone(),
            ..connection.clone()
        },
        Connection {
            signer,
            token,
            ..connection.clone()
        },
        connection,
    ] {
        let error = Client::connect(&connection).await.err().unwrap();
        assert!(
            matches!(&error, ClientError::Signing(SigningError::OtherProver { .. })),
            "{error}"
        );
    }
    assert_eq!(appliance.seen().n_sessions, 0);
}

#[tokio::test]
async fn an_appliance_without_signed_messages_is_named() {
    let appliance = Appliance::default();
    appliance.seen().is_old = true;
    let connection = Connection {
        signer: Some(client_key().into()),
        ..appliance.start().await
    };
    let error = Client::connect(&connection).await.err().unwrap();
    assert!(error.to_string().contains("older than this client"), "{error}");
    let unsigned = Connection {
        signer: None,
        ..connection
    };
    let mut client = Client::connect(&unsigned).await.unwrap();
    let error = client.submit_signed(&JobSpec::default(), b"1").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Signing(SigningError::NoSigner)),
        "{error}"
    );
}

/// Elsewhere than on this machine, the token of a session is not sent in clear text, and nothing is signed for whoever
/// claims to have a key.
#[tokio::test]
async fn a_far_appliance_is_protected_and_named() {
    let far = |server: &str, prover| Connection {
        server: server.to_owned(),
        signer: Some(client_key().into()),
        prover,
        ..Connection::default()
    };
    let own = Some(own_key().public_key());
    let plain = Client::connect(&far("http://192.0.2.1:7474", own))
        .await
        .err()
        .unwrap();
    assert!(matches!(plain, ClientError::Plain { .. }), "{plain}");
    let unnamed = Client::connect(&far("https://192.0.2.1:7474", None))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&unnamed, ClientError::Signing(SigningError::Unnamed { .. })),
        "{unnamed}"
    );
    // A client with a token of its own connects, and signs nothing.
    for (server, prover, is_unnamed) in [
        ("https://192.0.2.1:7474", None, true),
        ("prover.example:7474", None, true),
        ("https://192.0.2.1:7474", own, false),
        ("http://127.0.0.1:7474", None, false),
        ("localhost:7474", None, false),
        ("http://[::1]:7474", None, false),
    ] {
        assert_eq!(far(server, prover).unnamed().is_some(), is_unnamed, "{server}");
    }
    let appliance = Appliance::default();
    let connection = Connection {
        token: Some("own".to_owned()),
        signer: Some(client_key().into()),
        ..appliance.start().await
    };
    let mut client = Client::connect(&connection).await.unwrap();
    client.unnamed = far("https://192.0.2.1:7474", None).unnamed();
    let error = client.submit_signed(&JobSpec::default(), b"1").await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Signing(SigningError::Unnamed { .. })),
        "{error}"
    );
    assert!(appliance.seen().jobs.is_empty());
}

#[tokio::test]
async fn lost_answers_are_asked_for_with_the_same_bytes() {
    let appliance = Appliance::default();
    appliance.seen().n_lost = 2;
    let mut client = appliance.client().await;
    let spec = JobSpec {
        dedup_key: "block 1".to_owned(),
        ..Default::default()
    };
    let signed = client.submit_signed(&spec, b"nonce").await.unwrap();
    let jobs = appliance.seen().jobs.clone();
    assert_eq!(jobs.len(), 3);
    assert!(jobs.iter().all(|job| job == signed.request.bytes()));
    assert_eq!(signed.request.nonce(), b"nonce");
    assert_eq!(JobSpec::decode(signed.request.payload()).unwrap(), spec);
    assert_eq!((signed.job.clone(), signed.existing), (job(), true));
    let (verified, acceptance) = signed.check_acceptance().unwrap();
    assert_eq!(verified.signer(), own_key().public_key());
    assert_eq!(acceptance.job_id, job().id);
    let again = client.submit_envelope(jobs[0].clone()).await.unwrap();
    assert_eq!(again.request, signed.request);
    assert!(client.submit_envelope(b"no envelope".to_vec()).await.is_err());
}

/// A promise about a request with a deadline, whose deadline is another one or none.
#[test]
fn a_promise_is_kept_to_the_deadline_of_the_request() {
    let at = |seconds| prost_types::Timestamp { seconds, nanos: 5 };
    let check = |asked: Option<i64>, promised: Option<i64>| {
        let spec = JobSpec {
            deadline: asked.map(at),
            ..Default::default()
        };
        // Long ago: what was promised stays promised.
        let draft = Draft::new(Kind::Job, "devnet", 1_700_000_000).nonce(b"1");
        let request = draft.payload(spec.encode_to_vec()).sign(&client_key()).unwrap();
        let request = Envelope::parse(request).unwrap();
        let acceptance = Acceptance {
            request_digest: request.digest().to_string(),
            job_id: job().id,
            deadline: promised.map(at),
            ..Default::default()
        };
        let draft = Draft::new(Kind::Acceptance, "devnet", 1_700_000_000).nonce(b"1");
        let acceptance = draft
            .audience(Some(client_key().public_key()))
            .payload(acceptance.encode_to_vec())
            .sign(&own_key())
            .unwrap();
        let signed = SignedJob {
            job: job(),
            existing: false,
            request,
            acceptance,
        };
        signed.check_acceptance().is_ok()
    };
    for (asked, promised, is_good) in [
        (None, None, true),
        (None, Some(7), true),
        (Some(7), Some(7), true),
        (Some(7), Some(6), true),
        (Some(7), Some(8), false),
        (Some(7), None, false),
    ] {
        assert_eq!(check(asked, promised), is_good, "{asked:?} {promised:?}");
    }
}

#[test]
fn promises_that_prove_nothing_are_refused() {
    let request = |audience: Option<PublicKey>| {
        let draft = Draft::new(Kind::Job, "devnet", now())
            .audience(audience)
            .nonce(b"1");
        Envelope::parse(draft.sign(&client_key()).unwrap()).unwrap()
    };
    let to_own = request(Some(own_key().public_key()));
    let check = |request: &Envelope, acceptance: Vec<u8>| {
        let signed = SignedJob {
            job: job(),
            existing: false,
            request: request.clone(),
            acceptance,
        };
        signed
            .check_acceptance()
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let good = accept(&to_own, |draft| draft, own_key());
    assert_eq!(check(&to_own, good.clone()), Ok(()));
    let other_prover = accept(&to_own, |draft| draft, SecretKey::ed25519([1; 32]));
    let any = request(None);
    assert_eq!(
        check(&any, accept(&any, |draft| draft, SecretKey::ed25519([1; 32]))),
        Ok(())
    );
    let mut forged = good;
    *forged.last_mut().unwrap() ^= 1;
    let change = |change: &dyn Fn(Draft) -> Draft| accept(&to_own, change, own_key());
    let in_the_future = Draft::new(Kind::Acceptance, "devnet", now() + 700)
        .audience(Some(client_key().public_key()))
        .nonce(b"1")
        .payload(promise(&to_own, &job().id))
        .sign(&own_key())
        .unwrap();
    for (acceptance, why) in [
        (Vec::new(), "no acceptance"),
        (b"?".to_vec(), "malformed"),
        (forged, "signature"),
        (other_prover, "another prover"),
        (change(&|draft| draft.audience(None)), "to nobody"),
        (
            change(&|draft| draft.audience(Some(own_key().public_key()))),
            "another receiver",
        ),
        (change(&|draft| draft.lifetime(0)), "expire"),
        (in_the_future, "ahead"),
        (
            change(&|draft| draft.payload(promise(&any, &job().id))),
            "another request",
        ),
        (
            change(&|draft| draft.payload(promise(&to_own, "other"))),
            "another job",
        ),
        (change(&|draft| draft.payload(b"\xff".to_vec())), "proves nothing"),
    ] {
        let refused = check(&to_own, acceptance).unwrap_err();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}
