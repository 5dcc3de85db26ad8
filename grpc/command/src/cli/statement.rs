//! The statement of a proof as a table.

use crate::cli::table::Table;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::{Bootloaded, SeenBuiltin, TaskHash};
use quarry_prover_core::claim::{Binding, Verified};

/// Maximum number of tasks, and of field elements per list, in the table. The JSON output has all of them.
const MAX_SHOWN: usize = 1000;

/// Adds the statement of a proof to a table.
pub fn rows(table: &mut Table, verified: &Verified) {
    table.row("layout", &verified.layout);
    table.row("steps", verified.n_steps);
    let modes: Vec<_> = verified.run_modes.iter().map(|mode| mode.name()).collect();
    let modes = match modes.is_empty() {
        true => "not a form that Integrity accepts".to_owned(),
        false => format!("a form that Integrity accepts as {}", modes.join(", ")),
    };
    table.row("run", format!("{} ({modes})", verified.run));
    match &verified.program_hash {
        None => table.row("program hash", "not shown: not all of the program is public"),
        Some(hash) => {
            let [pedersen, poseidon] = hash.to_hex();
            table.row("program hash", format!("{pedersen} (Pedersen)"));
            table.row("", format!("{poseidon} (Poseidon)"));
        }
    }
    table.row("builtins", builtins(verified));
    match &verified.output {
        None => table.row("output", "not shown: not all of the output is public"),
        Some(output) => table.row("output", readable_list(output)),
    }
    if let Some(bootloaded) = &verified.bootloaded {
        tasks(table, bootloaded);
    }
    table.row(
        "security",
        format!(
            "{} bits (conjectured), {}",
            verified.security_bits, verified.stone_version
        ),
    );
}

/// The builtins that main had, and what binds that list.
fn builtins(verified: &Verified) -> String {
    let Some(seen) = &verified.builtins else {
        return "not shown".to_owned();
    };
    let name = |builtin: &SeenBuiltin| match (&builtin.name, builtin.in_layout) {
        (Some(name), true) => name.clone(),
        (Some(name), false) => format!("({name})"),
        (None, _) => "(one that is not in the layout)".to_owned(),
    };
    let names: Vec<_> = seen.iter().map(name).collect();
    let names = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    let binding = match verified.builtins_binding {
        Binding::Number => "bound: no other list has as many builtins",
        Binding::Layout => "bound: all builtins of the layout that you stated",
        Binding::List => "bound: the list that you stated or that of a known bootloader",
        Binding::Unbound => "NOT bound: other builtins could have the same program hash",
    };
    format!("{names} ({binding})")
}

fn tasks(table: &mut Table, bootloaded: &Bootloaded) {
    table.row(
        "bootloader",
        bootloaded
            .bootloader
            .unwrap_or("unknown: the tasks are only what this program claims"),
    );
    if !bootloaded.config.is_empty() {
        table.row("configuration", readable_list(&bootloaded.config));
    }
    for (i, task) in bootloaded.tasks.iter().enumerate().take(MAX_SHOWN) {
        let hash_function = match task.hash_function {
            TaskHash::Pedersen => "Pedersen",
            TaskHash::Poseidon => "Poseidon",
            TaskHash::Unknown => "the proof does not show the hash function",
            TaskHash::PedersenOrPoseidon => "Pedersen or Poseidon: the proof does not show which",
        };
        let hash = felt::to_hex(&task.program_hash);
        table.row(
            format!("task {i}"),
            format!("program hash {hash} ({hash_function})"),
        );
        table.row("", format!("output {}", readable_list(&task.output)));
    }
    if let more @ 1.. = bootloaded.tasks.len().saturating_sub(MAX_SHOWN) {
        table.row("", format!("{more} more tasks: --json shows them"));
    }
}

/// Formats a list of field elements for the table.
pub fn readable_list(values: &[Felt]) -> String {
    let shown: Vec<_> = values.iter().take(MAX_SHOWN).map(readable).collect();
    match (shown.join(", "), values.len().saturating_sub(MAX_SHOWN)) {
        (shown, 0) if shown.is_empty() => "none".to_owned(),
        (shown, 0) => shown,
        (shown, more) => format!("{shown}, and {more} more"),
    }
}

/// Formats a field element for the table: in decimal if it or its negation is below 2^53, else in hexadecimal.
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
    let value = value.ok_or_else(|| {
        format!("'{text}' is not a field element: expected decimal or 0x digits below the field's prime")
    })?;
    Ok(if negative { -value } else { value })
}

fn decimal(digits: &str) -> Option<Felt> {
    let value: Felt = digits.parse().ok()?;
    // The parser reduces values that are not below p and accepts a sign; reject both.
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
    fn long_lists_are_cut_for_people() {
        assert_eq!(readable_list(&[]), "none");
        let whole = readable_list(&[Felt::from(7u64); MAX_SHOWN]);
        assert!(whole.ends_with("7, 7"), "{whole}");
        let cut = readable_list(&[Felt::from(7u64); MAX_SHOWN + 5]);
        assert_eq!(cut, format!("{whole}, and 5 more"));
    }

    #[test]
    fn what_is_no_field_element() {
        let p = "3618502788666131213697322783095070105623107215331596699973092056135872020481";
        for text in ["", "-", "0x", "x", "1 2", "--1", "0xg", p, "+1"] {
            assert!(parse_felt(text).is_err(), "{text}");
        }
    }
}
