//! Field elements as text.

use crate::pie::PRIME;
use cairo_vm::Felt252;
use num_bigint::BigUint;
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;

/// Parses a decimal number, or a hexadecimal one with `0x`, that is below the prime. A minus sign before it is allowed.
pub(super) fn parse(text: &str) -> Option<Felt252> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (radix, digits) = match text.strip_prefix("0x") {
        Some(digits) => (16, digits),
        None => (10, text),
    };
    let is_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit()) && digits.len() <= PRIME.len();
    let number = BigUint::parse_bytes(digits.as_bytes(), radix).filter(|_| is_digits)?;
    let prime = BigUint::parse_bytes(PRIME.as_bytes(), 10)?;
    let felt = (number < prime).then(|| Felt252::from(&number))?;
    Some(if is_negative { -felt } else { felt })
}

/// A word of a program: a hexadecimal number as text.
pub(super) struct Word(pub(super) Felt252);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_hexadecimal = text.trim_start_matches('-').starts_with("0x");
        let felt = parse(&text).filter(|_| is_hexadecimal);
        felt.map(Self)
            .ok_or_else(|| D::Error::custom(format!("'{text:.80}' is not a hexadecimal field element")))
    }
}
