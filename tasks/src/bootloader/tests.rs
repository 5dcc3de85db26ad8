//! The table of hints, and what a layout must have.

use super::table::{HINTS, SIMULATE_EC_OP, SIMULATE_KECCAK};
use super::{HashFunction, SIMPLE_BOOTLOADER, Tasks, hints};
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

#[test]
fn the_table_has_hints_of_the_bootloader_only_and_each_once() {
    #[derive(serde::Deserialize)]
    struct Program {
        hints: BTreeMap<String, Vec<Hint>>,
    }
    #[derive(serde::Deserialize)]
    struct Hint {
        code: String,
    }
    let program: Program = serde_json::from_slice(SIMPLE_BOOTLOADER).expect("JSON");
    let of_program: BTreeSet<_> = program
        .hints
        .into_values()
        .flatten()
        .map(|hint| hint.code)
        .collect();
    assert_eq!(of_program.len(), 48);
    assert_eq!(hints().len(), HINTS.len(), "a hint is there twice");
    for (text, _) in HINTS {
        assert!(of_program.contains(*text), "{text}");
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
