//! The corpus of Stone's proofs that tests compare with. `tests/data/README.md` describes its form.

#[cfg(feature = "prover")]
pub mod proving;

use flate2::read::GzDecoder;
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
    /// CPU time of Stone's proof; 0 if there is none.
    #[allow(dead_code, reason = "the tests of devices do not ask for it")]
    pub stone_cpu_seconds: f64,
    /// The folder with the files of the case.
    pub folder: PathBuf,
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

impl Golden {
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

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The corpus in a folder.
pub fn read_corpus(root: &Path) -> Vec<Golden> {
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
        stone_cpu_seconds: match seconds {
            "" => 0.0,
            seconds => seconds.parse().expect("seconds"),
        },
        folder: root.join(layout).join(case),
    }
}
