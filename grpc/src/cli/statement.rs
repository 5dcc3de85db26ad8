//! What a proof says, for people.

use crate::cli::table::Table;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::verifier::Verified;

/// Adds what a proof says to a table.
pub fn rows(table: &mut Table, verified: &Verified) {
    table.row("layout", &verified.layout);
    table.row("steps", verified.n_steps);
    let hashes = [&verified.program_hash_pedersen, &verified.program_hash_poseidon];
    let [pedersen, poseidon] = hashes.map(felt::to_hex);
    table.row("program hash", format!("{pedersen} (Pedersen)"));
    table.row("", format!("{poseidon} (Poseidon)"));
    table.row("output", readable_list(&verified.output));
    table.row(
        "security",
        format!("{} bits (conjectured)", verified.security_bits),
    );
}

/// Field elements as people read them.
pub fn readable_list(values: &[Felt]) -> String {
    let values: Vec<_> = values.iter().map(readable).collect();
    if values.is_empty() {
        "none".to_owned()
    } else {
        values.join(", ")
    }
}

/// A field element as people read it: small ones, negative ones too, in decimal.
fn readable(value: &Felt) -> String {
    const SMALL: u64 = 1 << 53;
    let small = |value: &Felt| {
        Some(*value)
            .filter(|value| *value < Felt::from(SMALL))
            .map(|value| value.to_string())
    };
    small(value)
        .or_else(|| small(&-*value).map(|text| format!("-{text}")))
        .unwrap_or_else(|| felt::to_hex(value))
}

/// Reads a field element: decimal, negative decimal or `0x` hexadecimal.
pub fn parse_felt(text: &str) -> Result<Felt, String> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let value = if digits.starts_with("0x") {
        felt::from_hex(digits)
    } else {
        decimal(digits)
    };
    let value =
        value.ok_or_else(|| format!("'{text}' is no field element: give decimal or 0x digits below p"))?;
    Ok(if negative { -value } else { value })
}

fn decimal(digits: &str) -> Option<Felt> {
    let value: Felt = digits.parse().ok()?;
    // The parser reduces what is not below p, and takes a sign.
    let significant = match digits.trim_start_matches('0') {
        "" if !digits.is_empty() => "0",
        significant => significant,
    };
    (value.to_string() == significant).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_elements_for_people() {
        for (text, readable_text) in [
            ("144", "144"),
            ("0x90", "144"),
            ("-1", "-1"),
            ("0", "0"),
            ("-0", "0"),
            ("0x123456789abcdef0123456789", "0x123456789abcdef0123456789"),
            (
                "3618502788666131213697322783095070105623107215331596699973092056135872020480",
                "-1",
            ),
        ] {
            assert_eq!(readable(&parse_felt(text).unwrap()), readable_text);
        }
    }

    #[test]
    fn what_is_no_field_element() {
        let p = "3618502788666131213697322783095070105623107215331596699973092056135872020481";
        for text in ["", "-", "0x", "x", "1 2", "--1", "0xg", p, "+1"] {
            assert!(parse_felt(text).is_err(), "{text}");
        }
    }
}
