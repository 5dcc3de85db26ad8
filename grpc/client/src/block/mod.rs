//! Blocks that a Starknet sequencer signed. A job may refer to one.
//!
//! A sequencer signs the block hash. Before Starknet 0.13.2 it signed Poseidon(block hash, state diff commitment): a
//! reference with a commitment states that form. The signature covers the block's number only as far as the hash does.

mod keys;

pub use keys::{KeyError, SequencerKeys};

use crate::protocol::BlockReference;
use starknet_crypto::{Felt, poseidon_hash_many};

/// Most hexadecimal digits of a felt.
const MAX_DIGITS: usize = 64;

/// Why a reference to a block is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A field is not a felt.
    #[error("block: {0} must be a felt: 0x and 1 to 64 hexadecimal digits, below the field's prime")]
    Felt(&'static str),
    /// A part of the signature is out of range.
    #[error("block: {0} must be at least 1 and below 2^251")]
    Range(&'static str),
    /// There are no keys at all.
    #[error("block: no keys of sequencers are configured")]
    NoKeys,
    /// No key is valid for the block, of the network or the key that the reference names, if it names them.
    #[error("block: no key of its sequencer is known that is valid for block {0}")]
    NoKey(u64),
    /// No key that is valid for the block made the signature.
    #[error("block: no key that is valid for block {0} made this signature of it")]
    Signature(u64),
}

/// The same reference with felts in their shortest form, so that equal references have equal texts.
///
/// # Errors
/// [`BlockError::Felt`] and [`BlockError::Range`].
pub fn canonical(reference: &BlockReference) -> Result<BlockReference, BlockError> {
    let text = |field, text| Ok(felt(field, text)?.to_hex_string());
    let commitment = reference.state_diff_commitment.as_deref();
    let scalar = |field, text| match self::felt(field, text)? {
        value if value == Felt::ZERO || value >= Felt::ELEMENT_UPPER_BOUND => Err(BlockError::Range(field)),
        value => Ok(value.to_hex_string()),
    };
    Ok(BlockReference {
        number: reference.number,
        block_hash: text("block_hash", &reference.block_hash)?,
        state_diff_commitment: commitment
            .map(|value| text("state_diff_commitment", value))
            .transpose()?,
        r: scalar("r", &reference.r)?,
        s: scalar("s", &reference.s)?,
        network: reference.network.clone(),
        public_key: match &*reference.public_key {
            "" => String::new(),
            key => text("public_key", key)?,
        },
    })
}

/// The felt that the sequencer signed.
fn message(reference: &BlockReference) -> Result<Felt, BlockError> {
    let hash = felt("block_hash", &reference.block_hash)?;
    Ok(match &reference.state_diff_commitment {
        None => hash,
        Some(commitment) => poseidon_hash_many(&[hash, felt("state_diff_commitment", commitment)?]),
    })
}

/// Reads a felt, however many zeros it begins with.
fn felt(field: &'static str, text: &str) -> Result<Felt, BlockError> {
    let digits = text.strip_prefix("0x").filter(|digits| {
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex && (1..=MAX_DIGITS).contains(&digits.len())
    });
    let value = digits.and_then(|digits| Some((digits, Felt::from_hex(digits).ok()?)));
    // What is not below the prime would be reduced.
    let is_itself = |(digits, value): &(&str, Felt)| {
        format!("{value:x}").eq_ignore_ascii_case(match digits.trim_start_matches('0') {
            "" => "0",
            rest => rest,
        })
    };
    let value = value.filter(is_itself);
    value.map(|(_, value)| value).ok_or(BlockError::Felt(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIME: &str = "0x800000000000011000000000000000000000000000000000000000000000001";
    const LAST: &str = "0x800000000000011000000000000000000000000000000000000000000000000";

    fn reference(change: impl FnOnce(&mut BlockReference)) -> BlockReference {
        let mut reference = BlockReference {
            number: 7,
            block_hash: "0x00aB".to_owned(),
            state_diff_commitment: Some("0x0".to_owned()),
            r: "0x01".to_owned(),
            s: "0x00002".to_owned(),
            network: "devnet".to_owned(),
            public_key: String::new(),
        };
        change(&mut reference);
        reference
    }

    #[test]
    fn spelling_is_made_the_same() {
        let spelled = canonical(&reference(|_| {})).expect("felts");
        let expected = BlockReference {
            number: 7,
            block_hash: "0xab".to_owned(),
            state_diff_commitment: Some("0x0".to_owned()),
            r: "0x1".to_owned(),
            s: "0x2".to_owned(),
            network: "devnet".to_owned(),
            public_key: String::new(),
        };
        assert_eq!(spelled, expected);
        assert_eq!(canonical(&expected), Ok(expected.clone()));
        let with_key = canonical(&reference(|block| block.public_key = "0x0F".to_owned()));
        assert_eq!(with_key.map(|block| block.public_key), Ok("0xf".to_owned()));
    }

    #[test]
    fn only_felts_are_taken() {
        assert!(felt("x", LAST).is_ok());
        assert!(felt("x", &format!("0x{}", "0".repeat(64))).is_ok());
        let over = format!("0x{}", "f".repeat(64));
        let long = format!("0x0{}", "0".repeat(64));
        for text in [
            "",
            "0x",
            "1",
            "ab",
            "0X1",
            "0x-1",
            "0x+1",
            "0x 1",
            "0xg",
            "0x1\u{e9}",
            PRIME,
            &over,
            &long,
        ] {
            assert_eq!(felt("x", text), Err(BlockError::Felt("x")), "{text}");
        }
    }

    #[test]
    fn every_field_is_checked() {
        let bound = format!("{:#x}", Felt::ELEMENT_UPPER_BOUND);
        type Change<'a> = &'a dyn Fn(&mut BlockReference);
        let cases: [(Change<'_>, BlockError); 9] = [
            (&|block| block.block_hash.clear(), BlockError::Felt("block_hash")),
            (
                &|block| block.state_diff_commitment = Some(String::new()),
                BlockError::Felt("state_diff_commitment"),
            ),
            (&|block| block.r = PRIME.to_owned(), BlockError::Felt("r")),
            (&|block| block.s = "2".to_owned(), BlockError::Felt("s")),
            (
                &|block| block.public_key = PRIME.to_owned(),
                BlockError::Felt("public_key"),
            ),
            (&|block| block.r = "0x0".to_owned(), BlockError::Range("r")),
            (&|block| block.s = "0x0".to_owned(), BlockError::Range("s")),
            (&|block| block.r.clone_from(&bound), BlockError::Range("r")),
            (&|block| block.s.clone_from(&bound), BlockError::Range("s")),
        ];
        for (change, error) in cases {
            assert_eq!(canonical(&reference(change)), Err(error));
        }
    }
}
