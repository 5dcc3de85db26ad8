//! The Python program that signs messages, `grpc/client/examples/envelope.py`, which shares no code with Quarry's.

use crate::common::Folder;
use crate::common::appliance::{Appliance, long_job};
use prost::Message;
use quarry_client::envelope::{Envelope, Expected, Kind, SecretKey};
use quarry_client::protocol::OpenSessionRequest;
use quarry_client::protocol::sessions_client::SessionsClient;
use quarry_client::{Client, Connection};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Signs the messages of the vectors on standard input; prints the envelopes, one a line.
const SIGN_VECTORS: &str = "\
import json, sys
sys.path.insert(0, sys.argv[1])
from envelope import envelope
for vector in json.load(sys.stdin):
    made = envelope(
        vector['secret_key'], vector['kind'], vector['network'], bytes.fromhex(vector['payload']),
        audience=vector['audience'], nonce=bytes.fromhex(vector['nonce']),
        issued=vector['issued'], expires=vector['expires'],
    )
    print(made.hex())
";

fn client_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../client")
}

/// Runs Python, which the test needs, with this on its standard input; returns its standard output.
fn python(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("python3");
    // -B: no compiled copy of the example beside it.
    command.arg("-B").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn python_makes_the_bytes_of_the_vectors() {
    let text = std::fs::read(client_folder().join("vectors/envelope.json")).unwrap();
    let vectors: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let examples = client_folder().join("examples");
    let made = python(&["-c", SIGN_VECTORS, examples.to_str().unwrap()], &text);
    let made = String::from_utf8(made).unwrap();
    let expected = vectors.iter().map(|vector| vector["envelope"].as_str().unwrap());
    assert_eq!(made.lines().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(made.lines().count(), 4);
}

/// A service takes what Python signs: the message that opens a session, and that of a job.
#[tokio::test]
async fn a_service_takes_what_python_signs() {
    let folder = Folder::new();
    let own = SecretKey::stark([3; 32]).unwrap();
    let public = own.public_key().to_string();
    own.write_new(&folder.file("prover.key")).unwrap();
    folder.write(
        "quarry.toml",
        "admission = \"public\"\n[signing]\nnetwork = \"test\"\nkey = \"prover.key\"\n",
    );
    let service = Appliance::start(&folder, "--config quarry.toml");
    let script = client_folder().join("examples/envelope.py");
    for scheme in ["ed25519", "stark"] {
        folder
            .quarry(&format!("key new --out {scheme} --scheme {scheme}"))
            .exits(0);
        let path = folder.file(scheme);
        let sign = |kind: &str, payload: &[u8]| {
            let [script, key] = [&script, &path].map(|path| path.to_str().unwrap());
            let to = ["--network", "test", "--audience", &public];
            python(
                &[&[script, "--key-file", key, "--kind", kind], &to[..]].concat(),
                payload,
            )
        };
        let address = format!("http://{}", service.address);
        let mut sessions = SessionsClient::connect(address).await.unwrap();
        let envelope = sign("session", b"");
        let opened = sessions
            .open_session(OpenSessionRequest { envelope })
            .await
            .unwrap();
        let mut client = Client::connect(&Connection {
            token: Some(opened.into_inner().token),
            ..service.connection()
        })
        .await
        .unwrap();
        let spec = long_job(&mut client, 1 << 16).await;
        let submitted = client
            .submit_envelope(sign("job", &spec.encode_to_vec()))
            .await
            .unwrap();
        let (accepted, _) = submitted.check_acceptance().unwrap();
        assert_eq!(accepted.signer().to_string(), public);
    }
}

/// As a program, it reads the key files of `quarry key new`, and a receiver takes what it writes.
#[test]
fn python_signs_with_a_key_file() {
    let folder = Folder::new();
    let script = client_folder().join("examples/envelope.py");
    for scheme in ["ed25519", "stark"] {
        let path = folder.file(scheme);
        let made = folder.quarry(&format!("key new --out {scheme} --scheme {scheme}"));
        let public = made.exits(0).stdout;
        let [script, key] = [&script, &path].map(|path| path.to_str().unwrap());
        let arguments = [script, "--key-file", key, "--kind", "job", "--network", "devnet"];
        let sent = python(&arguments, b"a job");
        let envelope = Envelope::parse(sent).unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let expected = Expected {
            kind: Kind::Job,
            network: "devnet",
            audience: None,
            now: now.as_secs(),
        };
        envelope.check(&expected).unwrap();
        let verified = envelope.verify().unwrap();
        assert_eq!(verified.payload(), b"a job");
        assert_eq!(verified.signer().to_string(), public.trim_end());
    }
}
