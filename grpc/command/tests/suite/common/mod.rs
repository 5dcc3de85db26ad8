//! Runs the `quarry` command in tests, each in its own folder.
pub mod appliance;
#[cfg(feature = "slow-tests")]
pub mod browser;
pub mod identity;
pub mod jobs;
pub mod pie;
pub mod raw;
pub mod wrap;

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder to run commands in; removed on drop.
pub struct Folder(TempDir);

impl Folder {
    /// Creates an empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Creates a folder with all files of a case (`layout/case`) of the repository's corpus, decompressed.
    pub fn with_case(case: &str) -> Self {
        let folder = Self::new();
        for entry in fs::read_dir(corpus().join(case)).expect("a case of the corpus") {
            let path = entry.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let mut bytes = fs::read(&path).expect("a file");
            if name.ends_with(".gz") {
                let compressed = std::mem::take(&mut bytes);
                GzDecoder::new(&compressed[..])
                    .read_to_end(&mut bytes)
                    .expect("gzip");
            }
            folder.write(name.trim_end_matches(".gz"), bytes);
        }
        folder
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Reads a file as JSON.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.file(name)).expect("a file")).expect("JSON")
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).expect("a folder that can be written");
    }

    /// Names of the files in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("a folder");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    /// The command with these arguments (separated by spaces), not yet started.
    pub fn command(&self, line: &str) -> Command {
        self.program(Path::new(env!("CARGO_BIN_EXE_quarry")), line)
    }

    /// Runs another program in this folder.
    pub fn run(&self, program: &Path, line: &str) -> Ran {
        Ran::from(self.program(program, line).output().expect("the program starts"))
    }

    fn program(&self, program: &Path, line: &str) -> Command {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(self.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the command.
    pub fn quarry(&self, line: &str) -> Ran {
        self.run(Path::new(env!("CARGO_BIN_EXE_quarry")), line)
    }
}

/// Result of a command.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Panics unless the command exited with this code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Panics unless standard error contains all of these texts.
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "'{text}' is not in: {}", self.stderr);
        }
        self
    }
}

/// Path of the repository's corpus of Stone's proofs.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover-core/tests/data")
}

/// Panics unless a proof file contains Stone's bytes for a case (`layout/case`) with the parameters `tag`.
pub fn assert_stones_proof(proof: &Value, case: &str, tag: &str) {
    let hex = proof["proof_hex"]
        .as_str()
        .expect("proof_hex")
        .trim_start_matches("0x");
    let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal digits");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let table = fs::read_to_string(corpus().join("digests.tsv")).expect("the table of digests");
    let key = format!("{}\t{tag}\t", case.replace('/', "\t"));
    let row = table
        .lines()
        .find(|line| line.starts_with(&key))
        .expect("a row of the table");
    assert_eq!(row.split('\t').nth(4), Some(&*digest), "{case} {tag}");
}
