//! Limits of the service's own process (`ulimit`).

use crate::common::{Folder, Ran};
use std::process::Command;

const SERVE: &str = "serve --data data --listen 127.0.0.1:0 --http 127.0.0.1:0 --device cpu";

/// Runs the service under a limit until it ends.
fn serve_under(folder: &Folder, limit: &str) -> Ran {
    let program = env!("CARGO_BIN_EXE_quarry");
    let line = format!("ulimit {limit}; exec timeout 60 '{program}' {SERVE}");
    let ran = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .output();
    ran.expect("a shell").into()
}

#[test]
fn too_few_threads_are_an_error_that_names_the_limit() {
    let folder = Folder::new();
    let ran = serve_under(&folder, "-d 8192").exits(2);
    let ran = ran.says(&["cannot start threads", "8192 (ulimit -d", "2 MiB of stack"]);
    assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
    assert!(!folder.file("data").exists(), "nothing was made");
}
