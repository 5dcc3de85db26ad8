//! The table of hints, and what a layout must have.

mod absent;

use super::programs::{OF_LAYOUTS, SIMPLE};
use super::table::{HINTS, SIMULATE_EC_OP, SIMULATE_KECCAK};
use super::{HashFunction, Tasks, hints};
use crate::pie::{self, PieLimits};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_pie::{CairoPie, SegmentInfo};
use std::collections::{BTreeMap, BTreeSet};

fn fibonacci() -> CairoPie {
    let file = include_bytes!("../../tests/data/fibonacci_pie.zip");
    pie::read(file, &PieLimits::default()).expect("a PIE")
}

/// The tasks of a program that uses these builtins.
fn using(builtins: &[BuiltinName]) -> Tasks {
    let mut pie = fibonacci();
    let used = builtins
        .iter()
        .map(|builtin| (*builtin, SegmentInfo { index: 2, size: 3 }));
    pie.metadata.builtin_segments = used.collect();
    Tasks::new(vec![fibonacci(), pie])
}

/// The hints of a compiled program.
fn texts(program: &[u8]) -> BTreeSet<String> {
    #[derive(serde::Deserialize)]
    struct Program {
        hints: BTreeMap<String, Vec<Hint>>,
    }
    #[derive(serde::Deserialize)]
    struct Hint {
        code: String,
    }
    let program: Program = serde_json::from_slice(program).expect("JSON");
    let hints = program.hints.into_values().flatten();
    hints.map(|hint| hint.code).collect()
}

#[test]
fn a_hash_function_is_found_by_its_name() {
    for function in HashFunction::ALL {
        assert_eq!(HashFunction::by_name(function.name()), Some(function));
    }
    assert_eq!(HashFunction::names(), "pedersen, poseidon");
    for name in ["", "auto", "Pedersen", "pedersen "] {
        assert_eq!(HashFunction::by_name(name), None, "{name}");
    }
}

#[test]
fn the_table_has_hints_of_the_bootloaders_only_and_each_once() {
    let mut of_programs = texts(SIMPLE);
    assert_eq!(of_programs.len(), 48);
    for row in OF_LAYOUTS {
        let of_layout = texts(&row.program());
        assert_eq!(of_layout.len(), 28, "{:?}", row.builtins);
        of_programs.extend(of_layout);
    }
    assert_eq!(hints().len(), HINTS.len(), "a hint is there twice");
    for (text, _) in HINTS {
        assert!(of_programs.contains(*text), "{text}");
    }
}

#[test]
fn what_a_layout_lacks_is_said_with_who_needs_it() {
    use BuiltinName::{bitwise, ec_op, ecdsa, keccak, poseidon, range_check96};
    let base = ["output", "pedersen", "range_check"];
    let with = |more: &'static [&'static str]| [&base[..], more].concat();
    let lacking = |tasks: &Tasks, hash, layout: &[&str]| {
        let has_hint = |hint: &str| [SIMULATE_EC_OP, SIMULATE_KECCAK].contains(&hint);
        let lacking = tasks.lacking(hash, has_hint, |builtin| layout.contains(&builtin));
        lacking.map(|lacking| lacking.to_string())
    };
    let pedersen = HashFunction::Pedersen;
    for (builtins, layout) in [
        (&[][..], with(&[])),
        (&[ec_op], with(&[])),
        (&[keccak], with(&["bitwise"])),
        (&[ecdsa], with(&["ecdsa"])),
    ] {
        assert_eq!(lacking(&using(builtins), pedersen, &layout), None, "{builtins:?}");
    }
    for (builtins, hash, layout, said) in [
        (
            &[][..],
            pedersen,
            vec!["output"],
            "the bootloader needs the builtin 'range_check'",
        ),
        (
            &[],
            HashFunction::Poseidon,
            with(&[]),
            "the bootloader, which hashes the programs by poseidon, needs the builtin 'poseidon'",
        ),
        (
            &[bitwise],
            pedersen,
            with(&[]),
            "task 1 needs the builtin 'bitwise'",
        ),
        (
            &[keccak],
            pedersen,
            with(&[]),
            "task 1 needs the builtin 'keccak'",
        ),
        (
            &[poseidon, range_check96],
            pedersen,
            with(&["poseidon"]),
            "task 1 needs the builtin 'range_check96'",
        ),
        (
            &[ecdsa],
            pedersen,
            with(&["range_check96", "mul_mod"]),
            "task 1 needs the builtin 'ecdsa'",
        ),
    ] {
        assert_eq!(lacking(&using(builtins), hash, &layout).as_deref(), Some(said));
    }
}
