//! Stone's proof file: the bytes of a proof, with its inputs.

mod written;

pub use written::{Version, WrittenProofFile};

use crate::cairo::public_input::{PublicInput, PublicInputError};
use crate::json::{JsonError, Text};
use crate::parameters::{Parameters, ParametersError, StoneVersion};

/// The parts of a proof file that a verifier needs. Like Stone's verifier, it reads `proof_hex`, `proof_parameters` and
/// `public_input`; other members may be missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    /// The bytes of the proof.
    pub proof: Vec<u8>,
    /// The statement.
    pub statement: PublicInput,
    /// The parameters.
    pub parameters: Parameters,
    /// The form of the public input that opens the transcript, if the file states it.
    pub stone_version: Option<StoneVersion>,
    /// Number of annotation lines.
    pub n_annotations: usize,
}

/// Why a file is not a proof file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// Not JSON.
    #[error("proof file: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value that is missing or of the wrong kind.
    #[error("proof file: {0}")]
    Value(#[from] JsonError),
    /// The statement is invalid.
    #[error(transparent)]
    PublicInput(#[from] PublicInputError),
    /// The parameters are invalid.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

impl ProofFile {
    /// Reads a proof file. This takes a small multiple of the file's size in memory, whatever the file contains.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub fn parse(text: &str) -> Result<Self, ProofFileError> {
        let text = Text::new(text)?;
        let root = text.root();
        let [hex, parameters, public, lines] =
            root.keys(["proof_hex", "proof_parameters", "public_input", "annotations"])?;
        for input in [&parameters, &public] {
            input.object()?;
        }
        let proof = bytes_of_hex(&hex.string()?)
            .ok_or_else(|| hex.error("0x-prefixed hexadecimal of whole bytes"))?;
        Ok(Self {
            proof,
            parameters: Parameters::read(&parameters.as_root())?,
            stone_version: StoneVersion::stated(&parameters)?,
            statement: PublicInput::read(&public.as_root())?,
            n_annotations: lines.elements().map_or(0, Iterator::count),
        })
    }
}

/// The bytes of `0x`-prefixed hexadecimal; `None` unless they are whole.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.strip_prefix("0x")?.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(pairs.len());
    for pair in pairs {
        bytes.push(byte(pair)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The members of the smallest valid file.
    const MEMBERS: [(&str, &str); 3] = [
        ("proof_hex", r#""0x12""#),
        (
            "public_input",
            r#"{"layout": "plain", "n_steps": 16, "rc_min": 1, "rc_max": 9, "memory_segments": {},
            "public_memory": [{"address": 1, "value": "0x1", "page": 0}]}"#,
        ),
        (
            "proof_parameters",
            r#"{"field": "PrimeField0", "use_extension_field": false, "stark": {"log_n_cosets": 2, "fri":
            {"fri_step_list": [0], "last_layer_degree_bound": 8, "n_queries": 1, "proof_of_work_bits": 0}}}"#,
        ),
    ];

    /// The smallest file with the member `name` replaced or added, or removed if the value is empty.
    fn file(name: &str, value: &str) -> String {
        let kept = MEMBERS.into_iter().filter(|member| member.0 != name);
        let members = kept.chain([(name, value)]).filter(|member| !member.1.is_empty());
        let members: Vec<_> = members
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect();
        format!("{{{}}}", members.join(", "))
    }

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
        let read = ProofFile::parse(&file("", "")).expect("enough");
        assert_eq!((read.proof.as_slice(), read.n_annotations), (&[0x12][..], 0));
        let cases = [
            (
                "proof_hex",
                "",
                "proof file: /proof_hex: expected a string, found nothing",
            ),
            (
                "proof_hex",
                r#""12""#,
                "proof file: /proof_hex: expected 0x-prefixed hexadecimal",
            ),
            (
                "public_input",
                "1",
                "proof file: /public_input: expected an object, found 1",
            ),
            (
                "public_input",
                "{}",
                "public input: /memory_segments: expected an object, found nothing",
            ),
            (
                "proof_parameters",
                "",
                "proof file: /proof_parameters: expected an object",
            ),
            (
                "proof_parameters",
                "{}",
                "parameters: /field: expected a string, found nothing",
            ),
        ];
        for (name, value, message) in cases {
            let error = ProofFile::parse(&file(name, value)).expect_err(name).to_string();
            assert!(error.starts_with(message), "{error}");
        }
        for bad in ["[]", "{", ""] {
            assert!(ProofFile::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_verifier_does_not_need_may_be_anything() {
        let plain = ProofFile::parse(&file("", "")).expect("enough");
        let deep = "[".repeat(2000) + &"]".repeat(2000);
        for value in [
            "null",
            "1e999",
            "\"\\ud800\"",
            "[1]",
            "{}",
            r#"{"commit_hash": 1}"#,
            &deep,
        ] {
            for name in ["version", "private_input", "prover_config", "other"] {
                let read = ProofFile::parse(&file(name, value));
                assert_eq!(read.ok().as_ref(), Some(&plain), "{name}: {value}");
            }
            let read = ProofFile::parse(&file("annotations", value)).expect("enough");
            assert_eq!(read.proof, plain.proof);
        }
        let read = ProofFile::parse(&file("annotations", r#"["a", 1]"#)).expect("enough");
        assert_eq!(read.n_annotations, 2);
        let commented = format!("// a proof\n{} rest", file("", ""));
        assert_eq!(ProofFile::parse(&commented).ok(), Some(plain));
    }
}
