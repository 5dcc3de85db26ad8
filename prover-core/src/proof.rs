//! Stone's proof file: the bytes of a proof with the inputs that it was made from.

use crate::cairo::public_input::{PublicInput, PublicInputError};
use crate::json::{JsonError, Place};
use crate::params::{Parameters, ParametersError, StoneVersion};
use serde::Serialize;
use serde_json::{Value, json};

/// What Stone writes of itself. The defaults are those of a build of Stone that was not stamped.
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

/// A proof file. The inputs are kept as they were given.
#[derive(Clone, Debug, PartialEq)]
pub struct ProofFile {
    /// The annotations, if they were wanted.
    pub annotations: Option<Vec<String>>,
    /// The private input.
    pub private_input: Value,
    /// The bytes of the proof.
    pub proof: Vec<u8>,
    /// The parameters.
    pub proof_parameters: Value,
    /// The prover's configuration, which changes no byte of a proof.
    pub prover_config: Value,
    /// The public input.
    pub public_input: Value,
    /// What made the file.
    pub version: Version,
}

/// A file that is no proof file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// Not JSON.
    #[error("proof file: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value that is missing or of the wrong kind.
    #[error("proof file: {0}")]
    Value(#[from] JsonError),
}

impl ProofFile {
    /// Reads a proof file; what a verifier needs must be there, the rest may be missing.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub fn parse(text: &str) -> Result<Self, ProofFileError> {
        let mut value: Value = serde_json::from_str(text)?;
        let root = Place::root(&value);
        let hex = root.key("proof_hex")?;
        let proof = bytes_of_hex(hex.string()?);
        let string = |place: Place<'_>| Ok(place.string()?.to_owned());
        let annotations = match root.key("annotations")?.if_present() {
            None => None,
            Some(lines) => Some(lines.elements()?.map(string).collect::<Result<_, JsonError>>()?),
        };
        let version = match root.key("version")?.if_present() {
            None => Version::default(),
            Some(version) => Version {
                commit_hash: string(version.key("commit_hash")?)?,
                proof_hash: string(version.key("proof_hash")?)?,
                statement_name: string(version.key("statement_name")?)?,
            },
        };
        for key in ["proof_parameters", "public_input"] {
            drop(root.key(key)?.members()?);
        }
        let proof = proof.ok_or_else(|| hex.error("0x-prefixed hexadecimal of whole bytes"))?;
        // Moved, not cloned: a file may be large.
        let mut take = |key: &str| value.get_mut(key).map(Value::take).unwrap_or_default();
        Ok(Self {
            annotations,
            proof,
            proof_parameters: take("proof_parameters"),
            public_input: take("public_input"),
            private_input: take("private_input"),
            prover_config: take("prover_config"),
            version,
        })
    }

    /// The file's text as Stone writes it: keys in alphabetical order, indented with tabs.
    pub fn to_text(&self) -> String {
        let mut value = json!({
            "private_input": self.private_input,
            "proof_hex": self.proof_hex(),
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
        // A feature of serde_json that another crate may switch on keeps the order of insertion.
        value.sort_all_objects();
        let mut text = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, tabs));
        debug_assert!(written.is_ok(), "a JSON value is written to memory");
        text.push(b'\n');
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The bytes of the proof as they stand in the file.
    pub fn proof_hex(&self) -> String {
        format!("0x{}", crate::channel::hex(&self.proof))
    }

    /// The statement.
    ///
    /// # Errors
    /// [`PublicInputError`].
    pub fn statement(&self) -> Result<PublicInput, PublicInputError> {
        PublicInput::from_json(&self.public_input)
    }

    /// The parameters.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn parameters(&self) -> Result<Parameters, ParametersError> {
        Parameters::from_json(&self.proof_parameters)
    }

    /// The form of the public input, where the file says it.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn stone_version(&self) -> Result<Option<StoneVersion>, ParametersError> {
        Ok(StoneVersion::stated(&Place::root(&self.proof_parameters))?)
    }
}

/// The bytes of `0x` hexadecimal; `None` unless they are whole.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.strip_prefix("0x")?.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_whole_and_hexadecimal() {
        assert_eq!(bytes_of_hex("0x00fF"), Some(vec![0, 255]));
        assert_eq!(bytes_of_hex("0x"), Some(vec![]));
        for bad in ["", "00", "0x0", "0x0g", "0X00", "0x é"] {
            assert_eq!(bytes_of_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_verifier_needs_must_be_there() {
        let text = r#"{"proof_hex": "0x12", "public_input": {}, "proof_parameters": {}}"#;
        let file = ProofFile::parse(text).expect("enough");
        assert_eq!(
            (file.proof.as_slice(), &file.version),
            (&[0x12][..], &Version::default())
        );
        let again = ProofFile::parse(&file.to_text()).expect("our own");
        assert_eq!(again, file);
        for bad in [
            "[]",
            "{",
            r#"{"public_input": {}, "proof_parameters": {}}"#,
            r#"{"proof_hex": "12", "public_input": {}, "proof_parameters": {}}"#,
            r#"{"proof_hex": "0x12", "public_input": 1, "proof_parameters": {}}"#,
            r#"{"proof_hex": "0x12", "public_input": {}}"#,
            r#"{"proof_hex": "0x12", "public_input": {}, "proof_parameters": {}, "annotations": [1]}"#,
        ] {
            assert!(ProofFile::parse(bad).is_err(), "{bad}");
        }
    }
}
