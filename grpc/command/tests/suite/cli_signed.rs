//! The client commands with a key: they open sessions, sign jobs, and keep what the service promises.

use crate::common::appliance::Appliance;
use crate::common::jobs::{JOB, folder};
use crate::common::{Folder, Ran};
use prost::Message;
use quarry_client::envelope::{Envelope, Kind, SecretKey};
use quarry_client::protocol::Acceptance;
use std::fs;

fn client_key() -> SecretKey {
    SecretKey::ed25519([1; 32])
}

fn own_key() -> SecretKey {
    SecretKey::stark([3; 32]).unwrap()
}

/// A folder with `client.key` and `other.key`, and a service that knows the first one. It never proves.
fn permissioned() -> (Folder, Appliance, String) {
    let folder = folder();
    client_key().write_new(&folder.file("client.key")).unwrap();
    let other = SecretKey::ed25519([2; 32]);
    other.write_new(&folder.file("other.key")).unwrap();
    own_key().write_new(&folder.file("prover.key")).unwrap();
    fs::create_dir(folder.file("data")).unwrap();
    folder.write("data/paused", "for a test");
    let key = client_key().public_key();
    let signing = "[signing]\nnetwork = \"test\"\nkey = \"prover.key\"\n";
    let client = format!("[[clients]]\nkey = \"{key}\"\ntenant = \"us\"\nroles = [\"submit\", \"read\"]\n");
    folder.write("quarry.toml", format!("{signing}{client}"));
    let service = Appliance::start(&folder, "--config quarry.toml");
    let server = format!("--server http://{}", service.address);
    (folder, service, server)
}

#[test]
fn a_key_identifies_the_client_and_signs_its_jobs() {
    let (folder, _service, server) = permissioned();
    let prover = own_key().public_key();
    let line = format!("{JOB} {server} --sign client.key --prover {prover} --acceptance accepted.bin");
    let submitted = folder
        .quarry(&line)
        .exits(0)
        .says(&["accepted.bin", &prover.to_string()]);
    let id = submitted.stdout.trim();
    // The next command has the flags too.
    let submitted = submitted
        .stderr
        .lines()
        .find(|line| line.contains("quarry watch"))
        .unwrap();
    assert!(
        submitted.contains(&format!("--sign client.key --prover {prover}")),
        "{submitted}"
    );

    let acceptance = fs::read(folder.file("accepted.bin")).unwrap();
    let acceptance = Envelope::parse(acceptance).unwrap().verify().unwrap();
    assert_eq!(
        (acceptance.kind(), acceptance.signer()),
        (Kind::Acceptance, prover)
    );
    assert_eq!(acceptance.audience(), Some(client_key().public_key()));
    let promise = Acceptance::decode(acceptance.payload()).unwrap();
    assert_eq!(promise.job_id, id);

    let listed = folder
        .quarry(&format!("list {server} --sign client.key --json"))
        .exits(0);
    assert_eq!(listed.json()["id"], id);
    let with_variable = |variable: &str, value: &str, line: &str| {
        let mut command = folder.command(line);
        Ran::from(command.env(variable, value).output().unwrap())
    };
    let secret = client_key().to_secret_text();
    for (variable, value) in [("QUARRY_SIGN", "client.key"), ("QUARRY_KEY", &secret)] {
        let got = with_variable(variable, value, &format!("get {id} {server} --json"));
        assert_eq!(got.exits(0).json()["id"], id, "{variable}");
    }
}

#[test]
fn who_has_no_known_key_submits_nothing() {
    let (folder, _service, server) = permissioned();
    folder
        .quarry(&format!("{JOB} {server}"))
        .exits(2)
        .says(&["missing or unknown"]);
    folder
        .quarry(&format!("{JOB} {server} --sign other.key"))
        .exits(2)
        .says(&["is not known to this appliance"]);
    folder
        .quarry(&format!("{JOB} {server} --acceptance accepted.bin"))
        .exits(2)
        .says(&["--sign"]);
    for (sign, why) in [
        ("no.key", "no.key"),
        ("https://127.0.0.1:1/", "loopback address"),
        ("http://192.0.2.1:80/", "loopback address"),
    ] {
        folder
            .quarry(&format!("list {server} --sign {sign}"))
            .exits(2)
            .says(&[why]);
    }
    folder
        .quarry(&format!("list {server} --sign http://127.0.0.1:1/sign"))
        .exits(4)
        .says(&["cannot connect"]);
    let listed = folder
        .quarry(&format!("list {server} --sign client.key --json"))
        .exits(0);
    assert_eq!(listed.stdout, "");
    assert!(!folder.file("accepted.bin").exists());
}

/// Whoever answers at the address: only the expected appliance gets a signed job.
#[test]
fn another_service_gets_nothing() {
    let (folder, _service, server) = permissioned();
    let other = client_key().public_key();
    folder
        .quarry(&format!("{JOB} {server} --sign client.key --prover {other}"))
        .exits(3)
        .says(&["not the expected", &other.to_string()]);
    folder
        .quarry(&format!("list {server} --sign client.key --prover ed25519:12"))
        .exits(2)
        .says(&["64 lower-case"]);
    let listed = folder
        .quarry(&format!("list {server} --sign client.key --json"))
        .exits(0);
    assert_eq!(listed.stdout, "");
}
