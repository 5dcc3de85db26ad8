//! Jobs that tests submit with the command.

use super::Folder;
use super::appliance::{Appliance, examples};
use std::fs;

/// Submits a job that takes a device about a second.
pub const JOB: &str = "submit program.json --input input.json --profile dev --security-bits 30";

/// A folder with the program of [`JOB`] and its input.
pub fn folder() -> Folder {
    let folder = Folder::new();
    for file in ["program.json", "input.json"] {
        fs::copy(examples().join("collatz").join(file), folder.file(file)).expect("an example");
    }
    folder
}

/// A [`folder`] with a service that takes jobs and starts none, and the flag that names it.
pub fn paused() -> (Folder, Appliance, String) {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    folder
        .quarry("admin --data data pause so-that-jobs-stay")
        .exits(0);
    (folder, service, server)
}
