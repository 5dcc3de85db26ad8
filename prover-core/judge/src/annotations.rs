//! Checks that the annotations of a proof file match its `proof_hex`.
//!
//! Every message of the prover is a line `P->V[begin:end]: path: name: Kind(0x.., 0x..)`. The ranges must cover the
//! proof from the first byte to the last without gaps, and the bytes of a range must equal the values in the line:
//! field elements of decommitted rows in Montgomery form (times 2^256 modulo p), everything else as printed. (This is
//! the Poseidon channel, the only one that swiftness supports.)

use serde_json::Value;
use starknet_types_core::felt::Felt;

/// Why annotations and bytes do not match.
#[derive(Debug, thiserror::Error)]
pub enum Untied {
    #[error("the file has no `{0}`")]
    Missing(&'static str),
    #[error("`proof_hex` is not 0x-prefixed hexadecimal of whole bytes")]
    ProofHex,
    #[error("annotation that cannot be read: {0}")]
    Malformed(String),
    #[error("annotation begins at byte {begin}, the one before ended at {end}")]
    Gap { begin: usize, end: usize },
    #[error("annotations end at byte {end} of {len}")]
    End { end: usize, len: usize },
    #[error("bytes {begin}..{end} of the proof are not what their annotation says: {line}")]
    Differs { begin: usize, end: usize, line: String },
}

/// Checks a whole proof file; returns the length of the proof in bytes.
pub fn tie(file: &Value) -> Result<usize, Untied> {
    let hex = file["proof_hex"].as_str().ok_or(Untied::Missing("proof_hex"))?;
    let proof = parse_hex(hex).ok_or(Untied::ProofHex)?;
    let lines = file["annotations"]
        .as_array()
        .ok_or(Untied::Missing("annotations"))?;
    let mut end = 0;
    for line in lines.iter().filter_map(Value::as_str) {
        if !line.starts_with("P->V") {
            continue;
        }
        let message = Message::parse(line).ok_or_else(|| Untied::Malformed(line.into()))?;
        if message.begin != end {
            return Err(Untied::Gap {
                begin: message.begin,
                end,
            });
        }
        end = message.end;
        if proof.get(message.begin..message.end) != message.bytes().as_deref() {
            return Err(Untied::Differs {
                begin: message.begin,
                end,
                line: line.into(),
            });
        }
    }
    if end != proof.len() {
        return Err(Untied::End {
            end,
            len: proof.len(),
        });
    }
    Ok(end)
}

/// One line from the prover to the verifier.
struct Message<'a> {
    begin: usize,
    end: usize,
    montgomery: bool,
    values: Vec<&'a str>,
}

impl<'a> Message<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (range, rest) = line.strip_prefix("P->V[")?.split_once("]: ")?;
        let (begin, end) = range.split_once(':')?;
        let (path, rest) = rest.rsplit_once(": ")?;
        let (kind, values) = rest.strip_suffix(')')?.split_once('(')?;
        Some(Self {
            begin: begin.parse().ok()?,
            end: end.parse().ok()?,
            montgomery: kind == "Field Element" && path.contains("/Decommitment/"),
            values: values.split(", ").collect(),
        })
    }

    /// The bytes that the line describes; `None` if its values do not fit its range.
    fn bytes(&self) -> Option<Vec<u8>> {
        let len = self.end.checked_sub(self.begin)?;
        let width = len / self.values.len();
        let mut bytes = Vec::with_capacity(len);
        for value in &self.values {
            let value = parse_padded_hex(value)?;
            let value = if self.montgomery {
                to_montgomery(value)
            } else {
                value
            };
            let (zeros, kept) = value.split_at_checked(32usize.checked_sub(width)?)?;
            if zeros.iter().any(|&byte| byte != 0) {
                return None;
            }
            bytes.extend_from_slice(kept);
        }
        (bytes.len() == len).then_some(bytes)
    }
}

/// The value times 2^256 modulo p.
fn to_montgomery(value: [u8; 32]) -> [u8; 32] {
    (Felt::from_bytes_be(&value) * Felt::TWO.pow(256u32)).to_bytes_be()
}

/// Parses hexadecimal of at most 32 bytes, with or without leading zeros.
fn parse_padded_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("0x")?;
    let bytes = parse_hex(&format!("0x{digits:0>64}"))?;
    bytes.try_into().ok()
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let digit = |byte: u8| (byte as char).to_digit(16);
            Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
        })
        .collect()
}
