//! What only the suite asks of a corpus: cases without their tags, and Stone's annotations.

use crate::common::{Golden, repository};
use quarry_kernels::{Felt, felt};
use serde_json::Value;

/// One row of each of the repository's cases; all rows of a case have the same inputs.
pub fn repository_cases() -> Vec<Golden> {
    let mut rows = repository();
    rows.dedup_by(|a, b| (&a.layout, &a.case) == (&b.layout, &b.case));
    rows
}

impl Golden {
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
