//! Executables that Cairo's compiler made.

use super::{cells, run};
use cairo_vm::types::builtin_name::BuiltinName;
use quarry_tasks::executable::{Felt252, read};

const LEDGER: &str = include_str!("../data/ledger.executable.json");

/// Of 1, 2, 1 from 0 on by Pedersen, and of 10, 20, 5 by Poseidon, as cairo-lang computes them.
const HASHES: [&str; 2] = [
    "0x18876421002a7e8c297bfc556e0a6b9bf9cf1d00f0e944afe6f334dffd5e0ad",
    "0x2ec8dac8f58430e64b18eb099a66902397927596a438f224cd6f37f251cb615",
];

const CIRCUIT: &str = include_str!("../data/circuit.executable.json");

/// Transfers of 10 and 5 to the receiver 1, and of 20 to the receiver 2.
const TRANSFERS: [u64; 8] = [3, 1, 10, 2, 20, 1, 5, 1];

/// Wide numbers, a dictionary and hashes: 35 * 35 is 3 * 408 + 1.
#[test]
fn a_program_of_many_parts_runs() {
    let pie = run(&read(LEDGER.as_bytes()).expect("an executable"), &TRANSFERS).expect("a run");
    let output = cells(&pie, pie.metadata.builtin_segments[&BuiltinName::output].index, 0);
    let numbers = [15, 408, 0, 1, 0, 35];
    let hashes = HASHES.map(|hash| Felt252::from_hex(hash).expect("a felt"));
    let expected = numbers.map(Felt252::from).into_iter().chain(hashes);
    assert_eq!(output, expected.map(Into::into).collect::<Vec<_>>());
}

#[test]
fn a_panic_of_a_compiled_program_is_said_in_words() {
    let error = run(&read(LEDGER.as_bytes()).expect("an executable"), &[0, 1]).expect_err("no transfers");
    assert_eq!(error.to_string(), "the program panics with 'no transfers'");
}

/// Modulo 7919 the inverse of 8 is 990, and (990 - 5) * 3 is 2955. A felt of the output has two limbs.
#[test]
fn a_circuit_of_each_kind_of_gate_runs() {
    let pie = run(&read(CIRCUIT.as_bytes()).expect("an executable"), &[]).expect("a run");
    let output = cells(&pie, pie.metadata.builtin_segments[&BuiltinName::output].index, 0);
    assert_eq!(output, [2955, 0].map(|limbs| Felt252::from(limbs).into()));
}
