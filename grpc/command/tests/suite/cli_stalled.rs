//! Commands whose reader takes no output: a signal ends them.

use crate::common::Folder;
use crate::common::appliance::{Appliance, signal, until};
use crate::common::jobs::{JOB, folder};
use rustix::io::ioctl_fionread;
use std::io::Write;

/// What a pipe holds, and one of its pages. A larger write fills the last page before it blocks.
const PIPE: usize = 1 << 16;
const PAGE: usize = 1 << 12;
/// Longer than any line of `watch`, which does not begin a line that the pipe has no room for.
const LINE: usize = 1 << 9;

/// Runs a command into a pipe that has one free page, and sends SIGTERM once the pipe is full; returns the exit code.
fn stopped(folder: &Folder, line: &str) -> Option<i32> {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'\n'; PIPE - PAGE]).unwrap();
    let mut stalled = folder.command(line).stdout(writer).spawn().unwrap();
    let is_full = || ioctl_fionread(&reader).unwrap() > (PIPE - LINE) as u64;
    until(&format!("output of {line}"), || is_full().then_some(()));
    signal("TERM", stalled.id());
    let ended = until(&format!("end of {line}"), || stalled.try_wait().unwrap());
    ended.code()
}

#[test]
fn a_command_that_nobody_reads_ends_on_a_signal() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    // Together more than a page.
    let labels: String = (0..24)
        .map(|n| format!(" --label key{n}={}", "x".repeat(200)))
        .collect();
    let job = || folder.quarry(&format!("{JOB} --wait {server}{labels}")).exits(0);
    let id = [job(), job(), job()].map(|ran| ran.stdout.trim().to_owned());
    folder
        .quarry(&format!("admin --data data pause {}", "x".repeat(PAGE)))
        .exits(0);
    let get = format!("get {}", id[0]);
    for command in [
        "watch",
        "list",
        "list --json",
        &get,
        &format!("{get} --json"),
        "capabilities",
    ] {
        assert_eq!(
            stopped(&folder, &format!("{command} {server}")),
            Some(130),
            "{command}"
        );
    }
}
