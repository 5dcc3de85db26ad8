//! The block that a job is for: a file with its sequencer's signature.

use crate::cli::failure::Failure;
use crate::cli::source::read_json;
use crate::cli::terminal;
use quarry_client::block::canonical;
use quarry_client::protocol::BlockReference;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The options of a job's block.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct BlockArgs {
    /// The Starknet block that the job is for, with its signature (JSON): what get_signature of a feeder gateway
    /// answers. The service refuses the job unless a sequencer whose key it knows signed the block
    #[arg(long, value_name = "FILE")]
    block: Option<PathBuf>,
    /// Number of that block [default: the one in the file, which has it only for old blocks]
    #[arg(long, value_name = "N", requires = "block")]
    block_number: Option<u64>,
}

impl BlockArgs {
    /// Reads the file; `None` without one.
    pub fn read(&self) -> Result<Option<BlockReference>, Failure> {
        let Some(path) = &self.block else {
            return Ok(None);
        };
        let read = reference(&read_json(path)?, self.block_number);
        let read = read.and_then(|block| canonical(&block).map_err(|why| why.to_string()));
        let refuse = |why| Failure::bad_input(format!("--block '{}': {why}", path.display()));
        read.map(Some).map_err(refuse)
    }
}

/// The block of an answer of a feeder gateway, in the form since Starknet 0.13.2 or in the older one.
fn reference(answer: &Value, number: Option<u64>) -> Result<BlockReference, String> {
    let text = |of: &Value, key: &str| {
        let text = of[key].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{key}: there is no such text"))
    };
    let (signed, commitment) = match &answer["signature_input"] {
        Value::Null => (answer, None),
        input => (input, Some(text(input, "state_diff_commitment")?)),
    };
    let [r, s] = match answer["signature"].as_array().map(Vec::as_slice) {
        Some([Value::String(r), Value::String(s)]) => [r, s].map(Clone::clone),
        _ => return Err("signature: it must be an array of two texts".to_owned()),
    };
    let number = match (answer["block_number"].as_u64(), number) {
        (Some(own), Some(given)) if own != given => {
            return Err(format!(
                "block_number: it is {own}, but --block-number is {given}"
            ));
        }
        (own, given) => own.or(given),
    };
    Ok(BlockReference {
        number: number.ok_or("it has no block_number: add --block-number")?,
        block_hash: text(signed, "block_hash")?,
        state_diff_commitment: commitment,
        r,
        s,
        ..BlockReference::default()
    })
}

/// A block as JSON.
pub fn block_json(block: &BlockReference) -> Value {
    json!({
        "number": block.number,
        "block_hash": block.block_hash,
        "state_diff_commitment": block.state_diff_commitment,
        "signature": [block.r, block.s],
        "network": block.network,
        "public_key": block.public_key,
    })
}

/// The lines of a block in a table: which it is, and who signed it.
pub fn block_lines(block: &BlockReference) -> [String; 2] {
    let lines = [
        format!("{} of {}, hash {}", block.number, block.network, block.block_hash),
        format!("signed by key {}", block.public_key),
    ];
    lines.map(|line| terminal::printable(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newer() -> Value {
        json!({"block_hash": "0x1", "signature": ["0x2", "0x3"]})
    }

    fn older() -> Value {
        json!({
            "block_number": 7,
            "signature": ["0x2", "0x3"],
            "signature_input": {"block_hash": "0x1", "state_diff_commitment": "0x4"},
        })
    }

    fn block(commitment: Option<&str>) -> BlockReference {
        BlockReference {
            number: 7,
            block_hash: "0x1".to_owned(),
            state_diff_commitment: commitment.map(str::to_owned),
            r: "0x2".to_owned(),
            s: "0x3".to_owned(),
            ..BlockReference::default()
        }
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(reference(&newer(), Some(7)), Ok(block(None)));
        for number in [None, Some(7)] {
            assert_eq!(reference(&older(), number), Ok(block(Some("0x4"))));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let without = |mut answer: Value, key: &str| {
            answer.as_object_mut().expect("an object").remove(key);
            reference(&answer, None).expect_err(key)
        };
        assert!(without(newer(), "").contains("--block-number"));
        assert!(without(older(), "signature").starts_with("signature: "));
        assert!(without(older(), "signature_input").starts_with("block_hash: "));
        let why = reference(&older(), Some(8)).expect_err("another number");
        assert_eq!(why, "block_number: it is 7, but --block-number is 8");
        let mut answer = older();
        answer["signature_input"] = json!({"block_hash": "0x1"});
        let why = reference(&answer, None).expect_err("no commitment");
        assert!(why.starts_with("state_diff_commitment: "), "{why}");
        for answer in [
            json!(null),
            json!([]),
            json!({"signature": ["0x1"]}),
            json!({"signature": [1, 2]}),
        ] {
            assert!(reference(&answer, Some(7)).is_err(), "{answer}");
        }
    }
}
