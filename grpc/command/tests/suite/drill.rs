//! The drill of backup and restore: the commands of docs/operating.md, as they stand there.

use crate::common::appliance::{Appliance, air_job, submit, wait};
use crate::common::{Folder, assert_stones_proof};
use quarry_client::Client;
use quarry_client::protocol::{JobResult, JobSpec, JobState};
use std::fs;
use std::path::Path;
use std::process::Command;

const PLAIN: &str = "plain/fib_2p9";

/// The blocks of commands under a heading of the page.
fn blocks(heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let page = fs::read_to_string(path).expect("the page");
    let (_, section) = page.split_once(&format!("\n{heading}\n")).expect("the heading");
    let section = section.split("\n##").next().unwrap_or_default();
    section
        .split("```\n")
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Runs a block of commands in a folder, which stands for the root of the file system. Its services have loopback
/// addresses of this process.
fn run(folder: &Folder, block: &str) {
    let here = folder.path().display();
    let [.., a, b] = std::process::id().to_be_bytes();
    let script = block
        .replace("/var/lib/quarry", &format!("{here}/data"))
        .replace("/backup/", &format!("{here}/backup/"))
        .replace("127.0.0.1", &format!("127.77.{a}.{b}"));
    let quarry = Path::new(env!("CARGO_BIN_EXE_quarry")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    // The services that a block starts end with it.
    let ran = Command::new("timeout")
        .args([
            "300",
            "bash",
            "-ec",
            &format!("{script}\nfor job in $(jobs -p); do wait \"$job\"; done"),
        ])
        .env("PATH", format!("{}:{path}", quarry.display()))
        .env("QUARRY_DEVICES", "cpu")
        .current_dir(folder.path())
        .output()
        .expect("bash runs");
    assert!(ran.status.success(), "{script}\n{ran:#?}");
}

/// Submits a job under a key; its id.
async fn begin(client: &mut Client, case: &Folder, key: &str) -> String {
    let spec = JobSpec {
        dedup_key: key.to_owned(),
        ..air_job(client, case, "blake").await
    };
    submit(client, spec).await.id
}

/// Waits for a job and compares its proof with Stone's; its result.
async fn proved(client: &mut Client, case: &Folder, id: &str) -> JobResult {
    let job = wait(client, id).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    let result = client.result(id).await.unwrap();
    let proof = result.proof.clone().unwrap();
    client.download(&proof, &case.file("proof.json")).await.unwrap();
    assert_stones_proof(&case.json("proof.json"), PLAIN, "blake");
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_as_the_page_says() {
    let [back_up, practise] = &blocks("## Backup and restore")[..] else {
        panic!("two blocks");
    };
    let [restore] = &blocks("### A lost or damaged store")[..] else {
        panic!("one block");
    };
    let case = Folder::with_case(PLAIN);
    fs::create_dir(case.file("backup")).unwrap();
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let ended = begin(&mut client, &case, "ended").await;
    let before = proved(&mut client, &case, &ended).await;
    let mut open = Vec::new();
    for n in 0..4 {
        open.push(begin(&mut client, &case, &format!("open {n}")).await);
    }
    run(&case, back_up);
    let late = begin(&mut client, &case, "after the backup").await;
    service.kill();
    run(&case, practise);
    assert!(case.file("restored/store.redb").exists());

    // The store is damaged and all files are lost.
    case.write("data/store.redb", [7; 5000]);
    fs::remove_dir_all(case.file("data/artifacts")).unwrap();
    run(&case, restore);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    assert_eq!(proved(&mut client, &case, &ended).await, before);
    for id in &open {
        proved(&mut client, &case, id).await;
    }
    assert!(client.get(&late).await.is_err(), "the backup does not know it");
    assert!(client.by_dedup_key("after the backup").await.is_err());
    let new = begin(&mut client, &case, "after the backup").await;
    proved(&mut client, &case, &new).await;
    case.quarry("admin --data data check").exits(0);
}
