//! Files that rot between the preparation and the proof: no input is at fault.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, reaches, submit, until, wait};
use quarry_client::protocol::{FailureClass, JobState};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the only prepared job.
fn scratch(case: &Folder) -> PathBuf {
    let only = |folder: &Path| {
        let entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
        (entries.len() == 1).then(|| entries[0].path())
    };
    let all = case.file("data/scratch");
    until("the files of one job", || only(&only(&all)?))
}

type Damage = fn(&Path);

/// Flips a bit of the middle byte of a binary file, or changes the last number of a text.
fn change(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let place = match path.extension().is_some_and(|kind| kind == "json") {
        true => bytes.iter().rposition(u8::is_ascii_digit).unwrap(),
        false => bytes.len() / 2,
    };
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_scratch_file_fails_one_attempt() {
    let case = Folder::with_case("plain/fib_2p9");
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let damages: [(&str, Damage); 8] = [
        ("trace.bin", change),
        ("memory.bin", change),
        ("public_input.json", change),
        ("parameters.json", change),
        ("trace.bin", cut),
        ("private_input.json", cut),
        ("memory.bin", |path| fs::remove_file(path).unwrap()),
        ("", |folder| fs::remove_dir_all(folder).unwrap()),
    ];
    let worker = service.process("worker");
    for (n, (name, damage)) in damages.into_iter().enumerate() {
        case.quarry("admin --data data pause test").exits(0);
        let id = submit(&mut client, spec.clone()).await.id;
        reaches(&mut client, &id, JobState::Queued).await;
        damage(&scratch(&case).join(name));
        case.quarry("admin --data data resume").exits(0);
        let job = wait(&mut client, &id).await;
        assert_eq!(job.state(), JobState::Succeeded, "{n} {name}: {job:?}");
        let [cause] = &job.attempt_failures[..] else {
            panic!("one attempt fails: {n} {name}: {job:?}");
        };
        assert_eq!(cause.class(), FailureClass::Internal, "{n} {name}: {cause:?}");
        assert!(
            ["worker.files", "verify.files"].contains(&&*cause.code),
            "{n} {name}: {cause:?}"
        );
        assert!(!cause.message.contains('/'), "{cause:?}");
    }
    assert_eq!(service.process("worker"), worker, "its device is not at fault");
}
