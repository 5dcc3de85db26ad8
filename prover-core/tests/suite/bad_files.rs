//! Errors about malformed files name the file, and no file causes a panic.

use crate::changes::Numbers;
use crate::common::repository_row;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::trace::build_trace;
use std::fs;

#[test]
fn bad_files_are_named() {
    let row = repository_row("small/c1/base");
    let error_of_file = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        row.unpack(folder.path());
        let path = folder.path().join(name);
        let mut bytes = fs::read(&path).expect("unpacked");
        change(&mut bytes);
        fs::write(&path, bytes).expect("a folder that can be written");
        let file = |name| folder.path().join(name);
        let read = ProverInput::read(&file("public_input.json"), &file("private_input.json"));
        read.map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    };
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(bytes.clone()).expect("text");
            assert!(text.contains(from), "{from}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let cases: [(&str, Change, &[&str]); 15] = [
        (
            "trace.bin",
            &|bytes| bytes.truncate(100),
            &["trace.bin", "100 bytes", "24-byte"],
        ),
        (
            "memory.bin",
            &|bytes| bytes.truncate(100),
            &["memory.bin", "100 bytes", "40-byte"],
        ),
        (
            "memory.bin",
            &|bytes| bytes[39] = 0xff,
            &["memory.bin", "entry 0", "modulus"],
        ),
        (
            "memory.bin",
            &|bytes| {
                let twice = bytes[..40].to_vec();
                bytes.extend(twice);
                let n = bytes.len();
                bytes[n - 32] ^= 1;
            },
            &["memory.bin", "two values"],
        ),
        (
            "private_input.json",
            &|bytes| bytes.truncate(50),
            &["private_input.json", "line 3"],
        ),
        (
            "private_input.json",
            &|bytes| *bytes = b"[]".to_vec(),
            &["private_input.json", "expected an object"],
        ),
        (
            "private_input.json",
            &|bytes| *bytes = vec![0xff],
            &["private_input.json", "UTF-8"],
        ),
        (
            "private_input.json",
            &replace("\"trace_path\"", "\"tracepath\""),
            &["/trace_path: expected a string"],
        ),
        (
            "private_input.json",
            &replace("trace.bin", "no such file"),
            &["no such file in the working directory"],
        ),
        (
            "private_input.json",
            &replace("\"x\": \"0x1\"", "\"x\": 1"),
            &["/pedersen/0/x: expected a string, found 1"],
        ),
        (
            "private_input.json",
            &replace(
                "\"x\": \"0x1\"",
                "\"x\": \"0x800000000000011000000000000000000000000000000000000000000000001\"",
            ),
            &["/pedersen/0/x", "below p"],
        ),
        (
            "private_input.json",
            &replace("\"index\": 0", "\"index\": -1"),
            &["/pedersen/0/index"],
        ),
        (
            "private_input.json",
            &replace("\"value\": \"0x", "\"value\": \"0x1"),
            &["/range_check/0/value", "2^128"],
        ),
        (
            "public_input.json",
            &|bytes| bytes.truncate(50),
            &["public_input.json", "line"],
        ),
        (
            "public_input.json",
            &replace("512", "513"),
            &["public_input.json", "513"],
        ),
    ];
    for (name, change, texts) in cases {
        let error = error_of_file(name, change);
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    }
}

#[test]
fn changed_bytes_do_not_panic() {
    let row = repository_row("small/c1/base");
    let layout = Layout::by_name("small").expect("known");
    let mut numbers = Numbers(0x0fed_cba9_8765_4321);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name);
    let names = [
        "public_input.json",
        "private_input.json",
        "trace.bin",
        "memory.bin",
    ];
    let mut n_refused = 0;
    row.unpack(folder.path());
    let read = || ProverInput::read(&file("public_input.json"), &file("private_input.json"));
    build_trace(&layout, &read().expect("valid inputs")).expect("the inputs of a run");
    for i in 0..300 {
        row.unpack(folder.path());
        let path = file(names[i % names.len()]);
        let mut bytes = fs::read(&path).expect("unpacked");
        let at = numbers.below(bytes.len());
        match numbers.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, numbers.next() as u8),
            // A digit stays a digit, so that JSON stays JSON.
            2 => bytes[at] ^= 1,
            _ => bytes[at] ^= 1 << numbers.below(8),
        }
        fs::write(&path, bytes).expect("a folder that can be written");
        let refused = read().map_or(true, |input| build_trace(&layout, &input).is_err());
        n_refused += usize::from(refused);
    }
    println!("{n_refused} of 300 refused");
    assert!(n_refused > 150);
}
