//! Receipts: what a service signs of the jobs that it has proved, checked by a command that asks nobody.

use crate::common::Folder;
use crate::common::appliance::{Appliance, long_job, wait};
use prost::Message;
use quarry_client::envelope::{Draft, Kind, SecretKey};
use quarry_client::protocol::{Acceptance, JobSpec};
use quarry_client::receipt::SignedReceipt;
use quarry_client::{Client, Connection, SignedJob};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The service's key.
fn own() -> SecretKey {
    SecretKey::stark([3; 32]).unwrap()
}

fn client_key() -> SecretKey {
    SecretKey::ed25519([7; 32])
}

/// Starts a service with a key.
fn start(folder: &Folder) -> Appliance {
    if !folder.file("prover.key").exists() {
        own().write_new(&folder.file("prover.key")).unwrap();
        folder.write(
            "quarry.toml",
            "[signing]\nnetwork = \"test\"\nkey = \"prover.key\"\n",
        );
    }
    Appliance::start(folder, "--config quarry.toml")
}

async fn client(service: &Appliance) -> Client {
    let connection = Connection {
        signer: Some(client_key().into()),
        ..service.connection()
    };
    Client::connect(&connection).await.unwrap()
}

/// Proves a job that is due in an hour and differs from others by its label.
async fn prove(client: &mut Client, label: &str) -> SignedJob {
    let spec = JobSpec {
        labels: [("label".to_owned(), label.to_owned())].into(),
        deadline: Some((SystemTime::now() + Duration::from_secs(3600)).into()),
        ..long_job(client, 0).await
    };
    let submitted = client.submit_signed(&spec, label.as_bytes()).await.unwrap();
    wait(client, &submitted.job.id).await;
    submitted
}

/// Fetches the receipt of a job by the command, into a file.
fn fetch(folder: &Folder, service: &Appliance, id: &str, file: &str) -> SignedReceipt {
    let server = format!("--server http://{}", service.address);
    folder
        .quarry(&format!("get {id} {server} --receipt {file}"))
        .exits(0)
        .says(&["receipt written"]);
    SignedReceipt::read(fs::read(folder.file(file)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_form_a_chain_that_anyone_can_check() {
    let folder = Folder::new();
    let service = start(&folder);
    let mut asks = client(&service).await;
    let a = prove(&mut asks, "a").await;
    let first = fetch(&folder, &service, &a.job.id, "a.bin");
    let result = asks.result(&a.job.id).await.unwrap();
    asks.download(result.proof.as_ref().unwrap(), &folder.file("a.json"))
        .await
        .unwrap();
    fs::write(folder.file("accepted.bin"), &a.acceptance).unwrap();
    let content = first.content();
    assert_eq!((content.number, &*content.previous), (1, ""));
    assert_eq!(
        content.request.clone().unwrap().digest,
        a.request.digest().to_string()
    );
    assert_eq!(first.message().audience(), Some(client_key().public_key()));
    assert_eq!(first.prover(), own().public_key());
    // All of the result but the output.
    let mut expected = result.clone();
    let statement = expected.statement.as_mut().unwrap();
    assert!(!statement.output.is_empty());
    statement.output.clear();
    assert_eq!(*first.result(), expected);

    // The chain goes on after a crash, and after a job was deleted. A job has one receipt.
    let b = prove(&mut asks, "b").await;
    fetch(&folder, &service, &b.job.id, "b.bin");
    asks.delete(&b.job.id).await.unwrap();
    service.kill();
    let service = start(&folder);
    let mut asks = client(&service).await;
    let c = prove(&mut asks, "c").await;
    fetch(&folder, &service, &c.job.id, "c.bin");
    fetch(&folder, &service, &a.job.id, "again.bin");
    assert_eq!(
        fs::read(folder.file("a.bin")).unwrap(),
        fs::read(folder.file("again.bin")).unwrap()
    );

    let prover = own().public_key();
    let line = format!(
        "receipt verify c.bin a.bin b.bin --proof a.json --acceptance accepted.bin --prover {prover}"
    );
    let checked = folder.quarry(&format!("{line} --json")).exits(0).json();
    let numbers: Vec<_> = checked["receipts"].as_array().unwrap().iter().collect();
    assert_eq!(numbers.len(), 3);
    assert_eq!(checked["receipts"][0]["number"], 3);
    assert_eq!(
        checked["receipts"][0]["previous"],
        checked["receipts"][2]["digest"]
    );
    assert_eq!(checked["gaps"].as_array().unwrap().len(), 0);
    assert_eq!(checked["promises"][0]["outcome"], "kept");
    let table = folder.quarry(&line).exits(0).stdout;
    assert!(table.contains(&format!("kept for job {}", a.job.id)), "{table}");
    let gap = folder.quarry("receipt verify a.bin c.bin").exits(0).stdout;
    assert!(
        gap.contains(&format!("receipt 2 of {prover} is not shown")),
        "{gap}"
    );

    let other = SecretKey::ed25519([1; 32]).public_key();
    let mut forged = fs::read(folder.file("a.bin")).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    folder.write("forged.bin", forged);
    folder.write("late.bin", broken_promise());
    // Another store with the same key, such as one from a backup.
    let copy = Folder::new();
    let second = start(&copy);
    let d = prove(&mut client(&second).await, "d").await;
    fetch(&copy, &second, &d.job.id, "d.bin");
    folder.write("d.bin", fs::read(copy.file("d.bin")).unwrap());
    for (arguments, why) in [
        ("forged.bin", "signature"),
        ("accepted.bin", "kind"),
        (&format!("a.bin --prover {other}"), "not by"),
        ("a.bin --proof accepted.bin", "no receipt is about this proof"),
        ("a.bin --acceptance late.bin", "is broken"),
        ("a.bin d.bin", "forks at receipt 1"),
    ] {
        folder
            .quarry(&format!("receipt verify {arguments}"))
            .exits(3)
            .says(&[why]);
    }
    let gap = folder
        .quarry("receipt verify a.bin d.bin c.bin --json")
        .exits(3)
        .json();
    let details = &gap["error"]["details"];
    assert_eq!(
        details["gaps"],
        serde_json::json!([{ "prover": prover.to_string(), "first": 2, "last": 2 }])
    );
    assert_eq!(details["faults"].as_array().unwrap().len(), 1, "{gap}");
    folder.quarry("receipt verify none.bin").exits(2);
}

/// A promise of the service whose deadline has passed, about a job that has no receipt.
fn broken_promise() -> Vec<u8> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let acceptance = Acceptance {
        job_id: "0".repeat(32),
        deadline: Some((SystemTime::now() - Duration::from_secs(1)).into()),
        ..Default::default()
    };
    let draft = Draft::new(Kind::Acceptance, "test", since.as_secs() - 60).nonce(b"1");
    let draft = draft.audience(Some(client_key().public_key()));
    draft.payload(acceptance.encode_to_vec()).sign(&own()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_proof_or_a_key_there_is_no_receipt() {
    let folder = Folder::new();
    fs::create_dir(folder.file("data")).unwrap();
    folder.write("data/paused", "for a test");
    let service = start(&folder);
    let server = format!("--server http://{}", service.address);
    let mut asks = client(&service).await;
    let spec = long_job(&mut asks, 0).await;
    let id = asks.submit(spec).await.unwrap().job.unwrap().id;
    let error = asks.receipt(&id).await.unwrap_err().to_string();
    assert!(error.contains("only a job that has succeeded"), "{error}");
    folder
        .quarry(&format!("get {id} {server} --receipt r.bin"))
        .exits(2)
        .says(&["no proof yet"]);
    assert!(!folder.file("r.bin").exists());

    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut asks = service.client().await;
    let spec = long_job(&mut asks, 0).await;
    let id = asks.submit(spec).await.unwrap().job.unwrap().id;
    wait(&mut asks, &id).await;
    let server = format!("--server http://{}", service.address);
    folder
        .quarry(&format!("get {id} {server} --receipt r.bin"))
        .exits(2)
        .says(&["no [signing]"]);
}
