//! What the client commands tell people: jobs as tables, the progress of a job, the next command to type.

use crate::common::Ran;
use crate::common::appliance::Appliance;
use crate::common::jobs::{JOB, folder, paused};
use quarry_client::protocol::WatchJobsRequest;
use quarry_client::{Client, ClientError};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::time::Duration;
use tonic::Code;

#[test]
fn jobs_are_listed_and_shown_for_people() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let proved = folder.quarry(&format!(
        "{JOB} --label chain=test --label run=1 --out proof.json {server}"
    ));
    let proved = proved.exits(0).says(&["proof.json' (", "the job took"]);
    let id = proved.stdout.trim().to_owned();
    let rejected = folder.quarry(&format!("{JOB} --step-limit 4 --wait --json {server}"));
    let rejected = rejected.exits(2).json()["error"]["details"]["id"].clone();
    let rejected = rejected.as_str().unwrap();

    let listed = folder.quarry(&format!("list {server}")).exits(0).stdout;
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = listed.lines().map(cells).collect();
    assert_eq!(
        rows[0],
        [
            "job", "state", "steps", "layout", "age", "tenant", "phase", "cause", "labels"
        ]
    );
    let cell = |row: usize, name: &str| {
        let column = rows[0].iter().position(|heading| heading == name).unwrap();
        rows[row][column].clone()
    };
    // The newest first; every row has all columns.
    assert_eq!((&*cell(1, "job"), &*cell(1, "state")), (rejected, "failed"));
    assert_eq!(cell(1, "cause"), "limits.max_steps");
    assert_eq!((&*cell(2, "job"), &*cell(2, "state")), (&*id, "succeeded"));
    assert_eq!(
        (cell(2, "cause"), cell(2, "labels")),
        ("-".to_owned(), "chain=test,run=1".to_owned())
    );

    let got = folder.quarry(&format!("get {id} {server}")).exits(0).stdout;
    for text in [
        "succeeded",
        "chain=test,run=1",
        "took",
        "SHA-256",
        "proof of work",
    ] {
        assert!(got.contains(text), "'{text}' is not in: {got}");
    }
    assert!(serde_json::from_str::<serde_json::Value>(&got).is_err(), "{got}");
    let got = folder.quarry(&format!("get {rejected} {server}")).exits(0).stdout;
    assert!(got.contains("(limits.max_steps)"), "{got}");
    let got = folder.quarry(&format!("get {id} --json {server}")).exits(0);
    assert_eq!(
        got.json()["result"]["proof_file"]["sha256"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
}

#[test]
fn who_submits_is_told_the_next_command() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let submitted = folder.quarry(&format!("{JOB} {server}")).exits(0);
    let id = submitted.stdout.trim().to_owned();
    let follow = format!("watch {id} {server}");
    let download = format!("get {id} --out proof.json {server}");
    submitted.says(&[&format!("quarry {follow}"), &format!("quarry {download}")]);
    folder.quarry(&follow).exits(0);
    folder
        .quarry(&download)
        .exits(0)
        .says(&["proof written to", "the job took"]);

    // The environment already names the server.
    let mut submit = folder.command(JOB);
    submit.env("QUARRY_SERVER", format!("http://{}", service.address));
    let submitted = Ran::from(submit.output().unwrap()).exits(0);
    assert!(!submitted.stderr.contains("--server"), "{submitted:?}");
}

#[test]
fn who_waits_at_a_terminal_sees_a_bar() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    // The command is dropped at once: it holds the terminal open.
    let mut submit = {
        let mut command = folder.command(&format!("{JOB} --out proof.json {server}"));
        command.env("TERM", "xterm").stderr(terminal).spawn().unwrap()
    };
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        // The end of a terminal is an error.
        let _ = File::from(master).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    assert_eq!(submit.wait().unwrap().code(), Some(0));
    let seen = reading.join().unwrap();
    assert!(seen.contains("%") && seen.contains("proof written to"), "{seen}");
}

#[test]
fn a_deleted_job_is_gone_and_its_key_is_free() {
    let (folder, service, server) = paused();
    let submit = format!("{JOB} --dedup-key k {server}");
    let id = folder.quarry(&submit).exits(0).stdout.trim().to_owned();
    let cancel = format!("quarry cancel {id}");
    folder
        .quarry(&format!("delete {id} {server}"))
        .exits(2)
        .says(&["has not ended", &cancel]);
    folder.quarry(&format!("cancel {id} {server}")).exits(0);
    // A job that is not there does not keep the other.
    folder
        .quarry(&format!("delete 00 {id} {server}"))
        .exits(2)
        .says(&["there is no job '00'", &format!("{id}: deleted")]);
    for command in ["delete", "get", "watch", "cancel"] {
        folder
            .quarry(&format!("{command} {id} {server}"))
            .exits(2)
            .says(&["there is no job"]);
    }
    let listed = folder.quarry(&format!("list --json {server}")).exits(0).stdout;
    assert_eq!(listed, "");
    let (_, _, status) = service.page("/status.json");
    assert!(!status.contains(&id), "{status}");
    let again = folder.quarry(&submit).exits(0).stdout.trim().to_owned();
    assert_ne!(again, id);

    // A crash brings nothing back.
    service.kill();
    let service = Appliance::start(&folder, "");
    let listed = folder.quarry(&format!("list --json --server {}", service.address));
    let listed = listed.exits(0).stdout;
    assert!(listed.contains(&again) && !listed.contains(&id), "{listed}");
}

async fn ends(client: &mut Client, id: &str) -> Result<(), Code> {
    let request = WatchJobsRequest {
        after: 0,
        job_id: id.to_owned(),
    };
    let code = |error| match error {
        ClientError::Status(status) => status.code(),
        error => panic!("{error}"),
    };
    let mut events = client.watch(request).await.map_err(code)?;
    while events.message().await.map_err(|status| status.code())?.is_some() {}
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_deleted_job_gets_an_end() {
    let (folder, service, server) = paused();
    let mut client = service.client().await;
    // A watcher may see the end of a job before or after the job is deleted.
    for _ in 0..10 {
        let id = folder.quarry(&format!("{JOB} {server}")).exits(0).stdout;
        let id = id.trim().to_owned();
        let watchers: Vec<_> = (0..20)
            .map(|_| {
                let (mut client, id) = (client.clone(), id.clone());
                tokio::spawn(async move { ends(&mut client, &id).await })
            })
            .collect();
        client.cancel(&id).await.unwrap();
        client.delete(&id).await.unwrap();
        for watcher in watchers {
            let ended = tokio::time::timeout(Duration::from_secs(60), watcher).await;
            let ended = ended.expect("the stream ends").unwrap();
            assert!(matches!(ended, Ok(()) | Err(Code::NotFound)), "{ended:?}");
        }
    }
}
