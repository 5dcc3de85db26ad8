//! Signed submissions: clients that are known by their key, and promises that can be shown to others.

use crate::common::Folder;
use crate::common::appliance::{Appliance, long_job};
use prost::Message;
use quarry_client::digest::digest;
use quarry_client::envelope::{Draft, Envelope, Kind, PublicKey, SecretKey, Verified};
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::sessions_client::SessionsClient;
use quarry_client::protocol::{
    Acceptance, GetJobRequest, GetSigningRequest, Job, JobSpec, OpenSessionRequest, Refusal, SignedRefusal,
    SubmitJobRequest, SubmitJobResponse, get_job_request::Key,
};
use quarry_client::{Client, Connection};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The key of a number.
fn key(n: u8) -> SecretKey {
    SecretKey::ed25519([n; 32])
}

/// The service's key.
fn own() -> SecretKey {
    SecretKey::stark([3; 32]).unwrap()
}

/// Starts a service with a key, which never proves: its devices are paused.
fn start(folder: &Folder, config: &str) -> Appliance {
    if !folder.file("prover.key").exists() {
        own().write_new(&folder.file("prover.key")).unwrap();
        fs::create_dir_all(folder.file("data")).unwrap();
        fs::write(folder.file("data/paused"), "for a test").unwrap();
    }
    let path = folder.file("prover.key");
    let signing = format!("[signing]\nnetwork = \"test\"\nkey = {path:?}\n");
    fs::write(folder.file("quarry.toml"), format!("{config}\n{signing}")).unwrap();
    Appliance::start(folder, "--config quarry.toml")
}

/// A caller, with the token of its session.
struct Caller {
    prover: ProverClient<Channel>,
    sessions: SessionsClient<Channel>,
    token: String,
}

impl Caller {
    async fn new(service: &Appliance) -> Self {
        let address = format!("http://{}", service.address);
        Self {
            prover: ProverClient::connect(address.clone()).await.unwrap(),
            sessions: SessionsClient::connect(address).await.unwrap(),
            token: String::new(),
        }
    }

    /// [`Caller::new`] with a session of a key.
    async fn of(service: &Appliance, key: &SecretKey) -> Self {
        let mut caller = Self::new(service).await;
        caller.open(&session(key, b"session")).await.unwrap();
        caller
    }

    async fn open(&mut self, envelope: &[u8]) -> Result<String, Status> {
        let request = OpenSessionRequest {
            envelope: envelope.to_vec(),
        };
        let opened = self.sessions.open_session(request).await?.into_inner();
        self.token.clone_from(&opened.token);
        Ok(opened.tenant)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.token.is_empty() {
            let bearer = format!("Bearer {}", self.token).parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        request
    }

    async fn submit(&mut self, envelope: Vec<u8>) -> Result<SubmitJobResponse, Status> {
        let request = self.request(SubmitJobRequest { spec: None, envelope });
        Ok(self.prover.submit_job(request).await?.into_inner())
    }

    async fn get(&mut self, id: &str) -> Result<Job, Status> {
        let key = Some(Key::Id(id.to_owned()));
        let request = self.request(GetJobRequest { key });
        Ok(self.prover.get_job(request).await?.into_inner())
    }
}

/// A message that opens a session with the service.
fn session(key: &SecretKey, nonce: &[u8]) -> Vec<u8> {
    let draft = Draft::new(Kind::Session, "test", now()).audience(Some(own().public_key()));
    draft.nonce(nonce).sign(key).unwrap()
}

fn draft(spec: &JobSpec, nonce: &[u8]) -> Draft {
    let draft = Draft::new(Kind::Job, "test", now()).nonce(nonce);
    draft.payload(spec.encode_to_vec())
}

/// A job as a client with this token, if it needs one, can submit it: its files are there.
async fn spec(service: &Appliance, token: &str) -> JobSpec {
    let connection = Connection {
        token: Some(token.to_owned()).filter(|token| !token.is_empty()),
        ..service.connection()
    };
    let mut client = Client::connect(&connection).await.unwrap();
    long_job(&mut client, 1 << 16).await
}

/// An answer that the service signed.
fn answer(kind: Kind, bytes: Vec<u8>) -> Verified {
    let answer = Envelope::parse(bytes).unwrap().verify().unwrap();
    assert_eq!((answer.kind(), answer.network()), (kind, "test"));
    assert_eq!(answer.signer(), own().public_key());
    answer
}

/// The refusal in the details of a status.
fn refusal(status: &Status) -> (Verified, Refusal) {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap().details;
    let is_own = |url: &str| url.ends_with("quarry.prover.v1.SignedRefusal");
    let own = details
        .iter()
        .find(|detail| is_own(&detail.type_url))
        .expect("a signed refusal");
    let answer = answer(
        Kind::Refusal,
        SignedRefusal::decode(&*own.value).unwrap().envelope,
    );
    let refusal = Refusal::decode(answer.payload()).unwrap();
    (answer, refusal)
}

#[tokio::test]
async fn a_promise_binds_the_prover_to_the_message() {
    let folder = Folder::new();
    let service = start(&folder, "");
    let mut caller = Caller::new(&service).await;
    let told = caller
        .sessions
        .get_signing(GetSigningRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!((&*told.network, &*told.admission), ("test", "devnet"));
    assert_eq!(told.public_key, own().public_key().to_string());

    let spec = spec(&service, "").await;
    let sent = draft(&spec, b"1").sign(&key(1)).unwrap();
    let digest = Envelope::parse(sent.clone()).unwrap().digest().to_string();
    let first = caller.submit(sent.clone()).await.unwrap();
    let job = first.job.unwrap();
    assert!(!first.existing);
    let request = job.signed_request.clone().unwrap();
    assert_eq!(
        (request.signer, request.digest),
        (key(1).public_key().to_string(), digest.clone())
    );
    let accepted = answer(Kind::Acceptance, first.acceptance.clone());
    assert_eq!(accepted.audience(), Some(key(1).public_key()));
    let acceptance = Acceptance::decode(accepted.payload()).unwrap();
    assert_eq!(
        (acceptance.request_digest, acceptance.job_id),
        (digest, job.id.clone())
    );

    // The answer was lost: the same bytes get the same answer, also after a restart.
    let again = caller.submit(sent.clone()).await.unwrap();
    assert_eq!((again.existing, &again.acceptance), (true, &first.acceptance));
    service.kill();
    let service = start(&folder, "");
    let mut caller = Caller::new(&service).await;
    let again = caller.submit(sent).await.unwrap();
    assert_eq!(again.job.unwrap().id, job.id);
    assert_eq!((again.existing, &again.acceptance), (true, &first.acceptance));
    assert_eq!(
        caller.get(&job.id).await.unwrap().signed_request,
        job.signed_request
    );

    // Another message with the nonce is refused, and that is signed too.
    let other = JobSpec {
        priority: -1,
        ..spec.clone()
    };
    let refused = caller
        .submit(draft(&other, b"1").sign(&key(1)).unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists, "{refused}");
    let (signed, why) = refusal(&refused);
    assert_eq!(signed.audience(), Some(key(1).public_key()));
    assert_eq!(why.code, "nonce");
    // A signer that has lost the bytes asks again by its dedup key, and has used that nonce too.
    let keyed = JobSpec {
        dedup_key: "block 1".to_owned(),
        ..spec.clone()
    };
    let first = caller
        .submit(draft(&keyed, b"2").sign(&key(1)).unwrap())
        .await
        .unwrap();
    let other = draft(&keyed, b"3").sign(&key(1)).unwrap();
    let digest = Envelope::parse(other.clone()).unwrap().digest().to_string();
    let second = caller.submit(other).await.unwrap();
    assert_eq!((second.existing, &second.job), (true, &first.job));
    let accepted = answer(Kind::Acceptance, second.acceptance);
    assert_eq!(
        Acceptance::decode(accepted.payload()).unwrap().request_digest,
        digest
    );
    let reused = caller
        .submit(draft(&spec, b"3").sign(&key(1)).unwrap())
        .await
        .unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists, "{reused}");
    // Another signer gets the job of the dedup key, but no promise.
    let other = caller
        .submit(draft(&keyed, b"2").sign(&key(2)).unwrap())
        .await
        .unwrap();
    assert!(other.existing && other.acceptance.is_empty());

    // Nonces of others are their own.
    let other = caller
        .submit(draft(&spec, b"1").sign(&key(2)).unwrap())
        .await
        .unwrap();
    assert_ne!(other.job.unwrap().id, job.id);
}

#[tokio::test]
async fn a_message_that_is_no_good_makes_no_job() {
    let folder = Folder::new();
    let service = start(&folder, "");
    let mut caller = Caller::new(&service).await;
    let spec = spec(&service, "").await;
    let good = || draft(&spec, b"1");
    let other = SecretKey::ed25519([9; 32]).public_key();
    let mut forged = good().sign(&key(1)).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let elsewhere = Draft::new(Kind::Job, "other", now())
        .nonce(b"1")
        .payload(spec.encode_to_vec());
    let late = Draft::new(Kind::Job, "test", now() - 700)
        .nonce(b"1")
        .payload(spec.encode_to_vec());
    let early = Draft::new(Kind::Job, "test", now() + 700)
        .nonce(b"1")
        .payload(spec.encode_to_vec());
    let signed = |draft: Draft| draft.sign(&key(1)).unwrap();
    for (bytes, code) in [
        (forged, "envelope.signature"),
        (signed(elsewhere), "envelope.network"),
        (signed(good().audience(Some(other))), "envelope.audience"),
        (signed(late), "envelope.expired"),
        (signed(early), "envelope.early"),
        (session(&key(1), b"1"), "envelope.kind"),
        (vec![0; 200_000], "envelope.too_long"),
        (b"not an envelope".to_vec(), "envelope.form"),
    ] {
        let refused = caller.submit(bytes).await.unwrap_err();
        assert!(refused.message().contains(code), "{code}: {refused}");
    }
    let both = caller.request(SubmitJobRequest {
        spec: Some(spec.clone()),
        envelope: signed(good()),
    });
    let both = caller.prover.submit_job(both).await.unwrap_err();
    assert_eq!(both.code(), Code::InvalidArgument);
    // A good signature under a bad job: the refusal is signed.
    for (payload, expected) in [
        (vec![0xff], "the payload"),
        (JobSpec::default().encode_to_vec(), "input"),
    ] {
        let refused = caller.submit(signed(good().payload(payload))).await.unwrap_err();
        let (_, why) = refusal(&refused);
        assert!(why.code == "spec" && why.message.contains(expected), "{why:?}");
    }
    // None of them used the nonce.
    assert!(!caller.submit(signed(good())).await.unwrap().existing);
}

#[tokio::test]
async fn a_client_is_known_by_its_key() {
    let folder = Folder::new();
    let client = |key: PublicKey, tenant| {
        format!("[[clients]]\nkey = \"{key}\"\ntenant = \"{tenant}\"\nroles = [\"submit\", \"read\"]\n")
    };
    let (one, two) = (key(1), SecretKey::stark([2; 32]).unwrap());
    let token = digest(&b"carrier"[..]).unwrap().sha256;
    let carrier = format!("[[clients]]\nsha256 = \"{token}\"\ntenant = \"c\"\nroles = [\"submit\"]\n");
    let config = client(one.public_key(), "a") + &client(two.public_key(), "b") + &carrier;
    let service = start(&folder, &config);
    let mut caller = Caller::new(&service).await;
    let code = |refused: Status| (refused.code(), refused.message().to_owned());

    let (unknown, why) = code(caller.open(&session(&key(7), b"1")).await.unwrap_err());
    assert!(
        unknown == Code::Unauthenticated && why.contains("key.unknown"),
        "{why}"
    );
    let to_any = Draft::new(Kind::Session, "test", now())
        .nonce(b"1")
        .sign(&one)
        .unwrap();
    let (_, why) = code(caller.open(&to_any).await.unwrap_err());
    assert!(why.contains("envelope.audience"), "{why}");
    let to_own = |issued| Draft::new(Kind::Session, "test", issued).audience(Some(own().public_key()));
    for (draft, expected, code) in [
        // It could have opened a session before the start.
        (to_own(now() - 300), Code::Unavailable, "envelope.replayed"),
        (
            to_own(now()).lifetime(601),
            Code::InvalidArgument,
            "envelope.lifetime",
        ),
        (
            to_own(now()).payload(vec![1]),
            Code::InvalidArgument,
            "envelope.form",
        ),
    ] {
        let refused = caller
            .open(&draft.nonce(b"1").sign(&one).unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
        assert!(refused.message().contains(code), "{refused}");
        let is_later = refused.get_details_retry_info().is_some();
        assert_eq!(is_later, expected == Code::Unavailable, "{refused}");
    }

    let opens = session(&two, b"1");
    assert_eq!(caller.open(&opens).await.unwrap(), "b");
    let (again, why) = code(Caller::new(&service).await.open(&opens).await.unwrap_err());
    assert!(
        again == Code::AlreadyExists && why.contains("envelope.replayed"),
        "{why}"
    );
    let spec = spec(&service, &caller.token).await;
    let job = caller
        .submit(draft(&spec, b"1").sign(&two).unwrap())
        .await
        .unwrap()
        .job
        .unwrap();
    assert_eq!(job.tenant, "b");
    // Its session is not another key's, and its job not another tenant's.
    let refused = caller
        .submit(draft(&spec, b"2").sign(&one).unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut other = Caller::of(&service, &one).await;
    assert_eq!(other.get(&job.id).await.unwrap_err().code(), Code::NotFound);
    // Nor does a client with a token use up a message that it has copied.
    let mut carrier = Caller::new(&service).await;
    carrier.token = "carrier".to_owned();
    let copied = draft(&spec, b"3").sign(&two).unwrap();
    let refused = carrier.submit(copied.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert!(!caller.submit(copied).await.unwrap().existing);
    assert_eq!(caller.get(&job.id).await.unwrap().id, job.id);
    let mut stranger = Caller::new(&service).await;
    assert_eq!(
        stranger.get(&job.id).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    stranger.token = "0".repeat(64);
    assert_eq!(
        stranger.get(&job.id).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn strangers_are_admitted_within_small_limits() {
    let folder = Folder::new();
    let together = "admission = \"public\"\n[strangers]\nmax_active_jobs = 5\n";
    let service = start(&folder, together);
    let mut spec_of = Vec::new();
    let mut callers = Vec::new();
    for n in 1..4 {
        let caller = Caller::of(&service, &key(n)).await;
        spec_of.push(spec(&service, &caller.token).await);
        callers.push(caller);
    }
    let mut codes = Vec::new();
    for round in 0_u8..3 {
        for (n, caller) in callers.iter_mut().enumerate() {
            let draft = draft(&spec_of[n], &[round]);
            let submitted = caller.submit(draft.sign(&key(n as u8 + 1)).unwrap()).await;
            codes.push(submitted.map_err(|status| status.code()).err());
        }
    }
    // Two jobs for each key, and five for all of them.
    let full = Some(Code::ResourceExhausted);
    assert_eq!(codes, [None, None, None, None, None, full, full, full, full]);
    let last = callers[2]
        .submit(draft(&spec_of[2], b"x").sign(&key(3)).unwrap())
        .await
        .unwrap_err();
    let (_, why) = refusal(&last);
    assert!(
        why.code == "quota" && why.message.contains("all other strangers"),
        "{why:?}"
    );
    assert!(why.retry_after.is_some() && last.get_details_retry_info().is_some());
    assert!(last.get_details_quota_failure().is_some());
}
