//! The Python program that signs messages, `grpc/client/examples/envelope.py`, which shares no code with Quarry's.

use crate::common::Folder;
use quarry_client::envelope::{Envelope, Expected, Kind};
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
