//! The corpora of Stone's proofs that tests compare with: the one in this repository, and the larger one that the
//! environment variable `QUARRY_GOLDEN` points to. Both have the form that `tests/data/README.md` describes.
// Every test binary uses a part of this module.
#![allow(dead_code)]

#[cfg(feature = "prover")]
pub mod changes;
#[cfg(feature = "prover")]
pub mod proving;

use flate2::read::GzDecoder;
use quarry_kernels::{Felt, felt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One row of a corpus: an input, a parameter file, and Stone's result.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Layout of the case.
    pub layout: String,
    /// Name of the case inside its layout.
    pub case: String,
    /// Tag of the parameter file.
    pub tag: String,
    /// Number of Cairo steps.
    pub n_steps: u64,
    /// SHA-256 of the proof bytes in hexadecimal; `None` if Stone rejects the parameters.
    pub digest: Option<String>,
    /// Length of the proof in bytes; 0 if there is none.
    pub proof_bytes: usize,
    /// CPU seconds that Stone took; 0 if there is no proof.
    pub stone_cpu_seconds: f64,
    folder: PathBuf,
}

/// The corpus in the repository: every layout.
pub fn repository() -> Vec<Golden> {
    read_corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"))
}

/// The repository's row called `layout/case/tag`.
pub fn repository_row(name: &str) -> Golden {
    let row = repository().into_iter().find(|row| row.name() == name);
    row.unwrap_or_else(|| panic!("{name} is not in the repository"))
}

/// A program with hints, its input, and the files that Cairo's own tools made for it in layout `small`. It has no
/// proof.
pub fn hints_case(case: &str) -> Golden {
    Golden {
        layout: "small".into(),
        case: case.into(),
        tag: String::new(),
        n_steps: 0,
        digest: None,
        proof_bytes: 0,
        stone_cpu_seconds: 0.0,
        folder: Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/hints")
            .join(case),
    }
}

/// One row of each of the repository's cases; all rows of a case have the same inputs.
pub fn repository_cases() -> Vec<Golden> {
    let mut rows = repository();
    rows.dedup_by(|a, b| (&a.layout, &a.case) == (&b.layout, &b.case));
    rows
}

/// Whether this is the slow tier: the environment variable `QUARRY_SLOW_TESTS` is 1. (A feature would build all again.)
pub fn is_slow_tier() -> bool {
    std::env::var_os("QUARRY_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// What a test goes through: the repository's corpus, or in the slow tier the larger one, which has the same rows and
/// more.
pub fn corpus() -> Vec<Golden> {
    if is_slow_tier() { external() } else { repository() }
}

/// The larger corpus.
///
/// # Panics
/// If `QUARRY_GOLDEN` is not set: a requested slow tier must not pass without running.
pub fn external() -> Vec<Golden> {
    let root = std::env::var_os("QUARRY_GOLDEN")
        .expect("QUARRY_GOLDEN is not set: the slow tier needs the corpus of golden proofs");
    read_corpus(Path::new(&root))
}

/// Stone's proof files of the corpus.
pub fn proof_files() -> Vec<(Golden, String)> {
    let file = |row: Golden| row.proof_file().map(|text| (row, text));
    let files: Vec<_> = corpus().into_iter().filter_map(file).collect();
    assert!(files.len() >= 3, "only {} proof files", files.len());
    files
}

/// Proofs with at least this many steps belong to the slow tier.
pub const SLOW_STEPS: u64 = 1 << 16;

impl Golden {
    /// Whether the current tier proves the case, or does other work on it that grows with its steps.
    pub fn is_in_tier(&self) -> bool {
        is_slow_tier() || self.n_steps < SLOW_STEPS
    }

    /// `layout/case/tag`, for messages.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.layout, self.case, self.tag)
    }

    /// The row's parameters: those in Stone's proof file if the corpus has it, otherwise the parameter file.
    pub fn parameters(&self) -> String {
        match self.proof_file() {
            Some(text) => {
                let file: Value = serde_json::from_str(&text).expect("JSON");
                file["proof_parameters"].to_string()
            }
            None => self.text(&format!("params_{}.json", self.tag)),
        }
    }

    /// The text of Stone's proof file, if the corpus has it.
    pub fn proof_file(&self) -> Option<String> {
        let name = format!("proof_{}.json", self.tag);
        self.has(&name).then(|| self.text(&name))
    }

    /// Stone's proof, if the corpus has its file and the file has annotations.
    pub fn annotated_proof(&self) -> Option<AnnotatedProof> {
        let file: Value = serde_json::from_str(&self.proof_file()?).expect("JSON");
        let lines = file["annotations"].as_array()?;
        let line = |line: &Value| line.as_str().expect("a string").to_owned();
        Some(AnnotatedProof {
            name: self.name(),
            annotations: lines.iter().map(line).collect(),
            file,
        })
    }

    /// Whether the case has a file, plain or compressed.
    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists() || self.folder.join(format!("{name}.gz")).exists()
    }

    /// A file of the case, uncompressed, as text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap_or_else(|error| panic!("{}: {name}: {error}", self.name()))
    }

    /// A file of the case, uncompressed: `name` itself, or `name.gz`.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let plain = self.folder.join(name);
        if plain.exists() {
            return fs::read(&plain).unwrap_or_else(|error| panic!("{}: {error}", plain.display()));
        }
        let path = self.folder.join(format!("{name}.gz"));
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| GzDecoder::new(file).read_to_end(&mut bytes))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        bytes
    }

    /// Writes Stone's four inputs, the parameter file (as `params.json`) and the prover configuration, uncompressed,
    /// to `folder`; the private input's paths are relative to it.
    pub fn unpack(&self, folder: &Path) {
        for name in [
            "public_input.json",
            "private_input.json",
            "trace.bin",
            "memory.bin",
            "prover_config.json",
        ] {
            fs::write(folder.join(name), self.bytes(name)).expect("a folder that can be written");
        }
        fs::write(folder.join("params.json"), self.parameters()).expect("a folder that can be written");
    }

    /// Panics unless `proof` has the bytes of Stone's proof.
    pub fn assert_same_proof(&self, proof: &[u8]) {
        let expected = self.digest.as_deref().expect("a row with a proof");
        assert_eq!(
            proof.len(),
            self.proof_bytes,
            "{}: length of the proof",
            self.name()
        );
        assert_eq!(
            sha256_hex(proof),
            expected,
            "{}: SHA-256 of the proof",
            self.name()
        );
    }
}

/// A proof file with annotations.
#[derive(Clone, Debug)]
pub struct AnnotatedProof {
    /// `layout/case/tag`, for messages.
    pub name: String,
    /// The file.
    pub file: Value,
    /// Its annotations, line by line.
    pub annotations: Vec<String>,
}

impl AnnotatedProof {
    /// The proof's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        bytes_of_hex(self.file["proof_hex"].as_str().expect("proof_hex"))
    }

    /// The field elements in the lines that contain all of `marks`.
    pub fn felts(&self, marks: &[&str]) -> Vec<Felt> {
        let lines = self
            .annotations
            .iter()
            .filter(|line| line.contains("Field Element") && marks.iter().all(|mark| line.contains(mark)));
        // "Field Element(0x..)", or "Field Elements(0x.., ..)" if they are sent together.
        let list = |line: &String| {
            let list = line.rsplit('(').next().expect("a list").trim_end_matches(')');
            list.split(", ")
                .map(|hex| felt::from_hex(hex).expect("a field element"))
                .collect::<Vec<_>>()
        };
        lines.flat_map(list).collect()
    }
}

/// The rows of the corpus that have an annotated proof, with the proof.
pub fn annotated() -> Vec<(Golden, AnnotatedProof)> {
    let with_proof = |row: Golden| row.annotated_proof().map(|proof| (row, proof));
    let proofs: Vec<_> = corpus().into_iter().filter_map(with_proof).collect();
    assert!(proofs.len() >= 3, "only {} annotated proofs", proofs.len());
    proofs
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The bytes of `0x`-prefixed hexadecimal of whole bytes: `proof_hex`.
pub fn bytes_of_hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").expect("the prefix 0x");
    assert!(digits.len().is_multiple_of(2), "half a byte");
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).expect("hexadecimal digits");
            u8::from_str_radix(text, 16).expect("hexadecimal digits")
        })
        .collect()
}

fn read_corpus(root: &Path) -> Vec<Golden> {
    let table = root.join("digests.tsv");
    let text = fs::read_to_string(&table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    text.lines().skip(1).map(|line| parse_row(root, line)).collect()
}

fn parse_row(root: &Path, line: &str) -> Golden {
    let fields: Vec<&str> = line.split('\t').collect();
    let [
        layout,
        case,
        tag,
        steps,
        digest,
        _annotated,
        bytes,
        seconds,
        _peak,
    ] = fields[..]
    else {
        panic!("digests.tsv: nine columns expected: {line}");
    };
    Golden {
        layout: layout.into(),
        case: case.into(),
        tag: tag.into(),
        n_steps: steps.parse().expect("steps"),
        digest: (digest != "refused").then(|| digest.into()),
        proof_bytes: bytes.parse().expect("bytes"),
        stone_cpu_seconds: if seconds.is_empty() {
            0.0
        } else {
            seconds.parse().expect("seconds")
        },
        folder: root.join(layout).join(case),
    }
}
