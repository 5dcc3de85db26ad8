use super::*;
use crate::facts::vectors::{felt, felts};
use flate2::read::GzDecoder;
use serde_json::Value;
use serde_json::json;
use std::io::Read;

/// `fibonacci.cairo` of cairo-vm's `cairo_programs`, as `cairo-compile` 0.14.0.1 compiles it (without `--proof_mode`).
fn fibonacci() -> CompiledProgram {
    CompiledProgram {
        main: 0,
        builtins: Vec::new(),
        data: felts(
            "0x480680017fff8000 0x1 0x480680017fff8000 0x1 0x480680017fff8000 0xa 0x1104800180018000 0x5
             0x400680017fff7fff 0x90 0x208b7fff7fff7ffe 0x20780017fff7ffd 0x5 0x480a7ffc7fff8000
             0x480a7ffc7fff8000 0x208b7fff7fff7ffe 0x482a7ffc7ffb8000 0x480a7ffc7fff8000 0x48127ffe7fff8000
             0x482680017ffd8000 0x800000000000011000000000000000000000000000000000000000000000000
             0x1104800180018000 0x800000000000010fffffffffffffffffffffffffffffffffffffffffffffff7
             0x208b7fff7fff7ffe",
        ),
    }
}

#[test]
fn a_program_without_builtins_has_the_published_hash() {
    let hashes = fibonacci().bootloader_hashes();
    // Published: cairo-vm's `program_hash.rs`, made with `cairo-hash-program`.
    let published = "0x43b17e9592f33142246af4c06cd2b574b460dd1f718d76b51341175a62b220f";
    assert_eq!(hashes.pedersen, felt(published));
    // By hand: `cairo-hash-program --program fibonacci.json --program-hash-function poseidon`.
    let by_hand = "0x215206081c0ab35568c8f074d21d63e961f2a5a268ed27624858d8273ef992";
    assert_eq!(hashes.poseidon, felt(by_hand));
}

#[test]
fn a_program_file_with_builtins_has_cairo_langs_hashes() {
    let file = include_bytes!("../../../tests/data/small/c1/program.json.gz");
    let mut text = String::new();
    GzDecoder::new(file.as_slice()).read_to_string(&mut text).unwrap();
    let program = CompiledProgram::parse(&text).unwrap();
    assert_eq!(program.main, 13);
    assert_eq!(program.builtins, ["output", "pedersen", "range_check", "ecdsa"]);
    let hashes = program.bootloader_hashes();
    // By hand: `cairo-hash-program --program program.json --program-hash-function pedersen`, and `poseidon`.
    let pedersen = "0x25bfae17799338f6ffca3baf9e1f1f6eeaa3c7582191375c0e6b5043f6b667";
    let poseidon = "0x5e0497e373a644d3c49f22260874d20e4c55c0995c6d36117711d1eb886a4d9";
    assert_eq!(hashes.pedersen, felt(pedersen));
    assert_eq!(hashes.poseidon, felt(poseidon));
}

#[test]
fn another_list_of_builtins_is_another_program() {
    let mut program = fibonacci();
    program.builtins = vec!["output".to_owned(), "range_check".to_owned()];
    let honest = program.bootloader_hashes();
    program.builtins[1] = "pedersen".to_owned();
    let swapped = program.bootloader_hashes();
    assert_ne!(honest.pedersen, swapped.pedersen);
    assert_ne!(honest.poseidon, swapped.poseidon);
}

fn file() -> Value {
    json!({
        "prime": PRIME,
        "builtins": ["output"],
        "data": ["0x1", "0x2"],
        "main_scope": "__main__",
        "identifiers": { "__main__.main": { "type": "function", "pc": 1 } },
    })
}

#[test]
fn main_is_found_through_aliases() {
    let mut value = file();
    value["identifiers"] = json!({
        "__main__.main": { "type": "alias", "destination": "lib.start" },
        "lib.start": { "type": "function", "pc": 7 },
    });
    assert_eq!(CompiledProgram::parse(&value.to_string()).unwrap().main, 7);
    value["identifiers"]["lib.start"] = json!({ "type": "alias", "destination": "__main__.main" });
    let error = CompiledProgram::parse(&value.to_string())
        .unwrap_err()
        .to_string();
    assert!(error.contains("aliases"), "{error}");
}

#[test]
fn other_files_are_refused_with_the_place() {
    let cases = [
        ("/prime", json!("0x3")),
        ("/builtins", json!("output")),
        ("/builtins/0", json!("")),
        ("/builtins/0", json!("x".repeat(32))),
        ("/builtins/0", json!("é")),
        ("/data/1", json!("2")),
        ("/data/1", json!(PRIME)),
        ("/main_scope", json!(null)),
        ("/identifiers/__main__.main", json!(null)),
        ("/identifiers/__main__.main/type", json!("struct")),
        ("/identifiers/__main__.main/pc", json!(-1)),
    ];
    for (place, bad) in cases {
        let mut value = file();
        *value.pointer_mut(place).unwrap() = bad;
        let error = CompiledProgram::parse(&value.to_string()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("program: {place}: ")),
            "{error}"
        );
    }
    assert!(CompiledProgram::parse("{").is_err());
}
