//! A proof file to write: formatted like Stone's, with the inputs as given.

use serde::Serialize;
use serde_json::{Value, json};

/// What Stone writes about itself. The defaults are those of a Stone build that was not stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `commit_hash`.
    pub commit_hash: String,
    /// `proof_hash`.
    pub proof_hash: String,
    /// `statement_name`.
    pub statement_name: String,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            commit_hash: "INVALID_COMMIT".to_owned(),
            proof_hash: "INVALID_PROOF_HASH".to_owned(),
            statement_name: "INVALID_NAME".to_owned(),
        }
    }
}

/// A proof file to write. The inputs are kept as given.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenProofFile {
    /// The annotations, if requested.
    pub annotations: Option<Vec<String>>,
    /// The private input.
    pub private_input: Value,
    /// The bytes of the proof.
    pub proof: Vec<u8>,
    /// The parameters.
    pub proof_parameters: Value,
    /// The prover's configuration, which does not affect the proof.
    pub prover_config: Value,
    /// The public input.
    pub public_input: Value,
    /// The software that made the file.
    pub version: Version,
}

impl WrittenProofFile {
    /// A proof file without annotations, private input or prover's configuration.
    pub fn new(proof: Vec<u8>, public_input: Value, proof_parameters: Value) -> Self {
        Self {
            annotations: None,
            private_input: json!({}),
            proof,
            proof_parameters,
            prover_config: json!({}),
            public_input,
            version: Version::default(),
        }
    }

    /// The file's text as Stone writes it: keys in alphabetical order, indented with tabs.
    pub fn to_text(&self) -> String {
        let mut value = json!({
            "private_input": self.private_input,
            "proof_hex": format!("0x{}", crate::hex::bytes(&self.proof)),
            "proof_parameters": self.proof_parameters,
            "prover_config": self.prover_config,
            "public_input": self.public_input,
            "version": {
                "commit_hash": self.version.commit_hash,
                "proof_hash": self.version.proof_hash,
                "statement_name": self.version.statement_name,
            },
        });
        if let Some(lines) = &self.annotations {
            value["annotations"] = json!(lines);
        }
        // Another crate may enable the serde_json feature that keeps the insertion order.
        value.sort_all_objects();
        let mut text = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, tabs));
        debug_assert!(written.is_ok(), "a JSON value is written to memory");
        text.push(b'\n');
        String::from_utf8_lossy(&text).into_owned()
    }
}
