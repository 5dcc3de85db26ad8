//! A PIE of few cells, and what is wrong with it after each change.

mod together;

use super::{Entry, PieError, PieLimits, read};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_pie::BuiltinAdditionalData;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use serde_json::{Value, json};
use std::io::Write;

/// A PIE before it is zipped.
#[derive(Clone)]
struct Parts {
    version: Value,
    metadata: Value,
    memory: Vec<u8>,
    additional: Value,
    resources: Value,
}

/// A coded address.
fn address(segment: u64, offset: u64) -> u64 {
    1 << 63 | segment << 47 | offset
}

/// A cell whose value is four words, from the lowest.
fn cell(segment: u64, offset: u64, value: [u64; 4]) -> Vec<u8> {
    let words = [address(segment, offset)].into_iter().chain(value);
    words.flat_map(u64::to_le_bytes).collect()
}

fn pointer(segment: u64, offset: u64) -> [u64; 4] {
    [segment << 47 | offset, 0, 0, 1 << 63]
}

impl Default for Parts {
    fn default() -> Self {
        let segment = |index: usize, size: usize| json!({ "index": index, "size": size });
        let prime: Value = serde_json::from_str(super::bounded::PRIME).unwrap();
        let cells = [
            cell(4, 1, pointer(2, 1)),
            cell(0, 0, [7, 0, 0, 0]),
            cell(0, 1, [8, 0, 0, 0]),
            cell(1, 0, pointer(2, 0)),
            cell(1, 1, pointer(3, 0)),
            cell(1, 2, pointer(4, 0)),
            cell(1, 3, pointer(5, 0)),
            cell(2, 0, [u64::MAX, u64::MAX, u64::MAX, (1 << 59) + 16]),
            cell(3, 1, [1, 0, 0, 0]),
        ];
        let mut memory = cells.concat();
        // The first of them stands for a segment that comes later.
        memory[..8].copy_from_slice(&address(6, 1).to_le_bytes());
        Self {
            version: json!({ "cairo_pie": "1.1" }),
            metadata: json!({
                "program": { "prime": prime, "data": [7, 8], "builtins": ["output", "ecdsa"], "main": 0 },
                "program_segment": segment(0, 2),
                "execution_segment": segment(1, 4),
                "builtin_segments": { "output": segment(2, 1), "ecdsa": segment(3, 2) },
                "ret_fp_segment": segment(4, 0),
                "ret_pc_segment": segment(5, 0),
                "extra_segments": [segment(6, 2)],
            }),
            memory,
            additional: json!({
                "output_builtin": { "pages": { "1": [0, 1] }, "attributes": { "gps_fact_topology": [1, 0] } },
                "ecdsa_builtin": [[[3, 0], [5, 6]]],
            }),
            resources: json!({ "n_steps": 9, "n_memory_holes": 0, "builtin_instance_counter": { "output_builtin": 1 } }),
        }
    }
}

impl Parts {
    fn entries(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            (Entry::Version.name(), self.version.to_string().into_bytes()),
            (Entry::Metadata.name(), self.metadata.to_string().into_bytes()),
            (Entry::Memory.name(), self.memory.clone()),
            (
                Entry::AdditionalData.name(),
                self.additional.to_string().into_bytes(),
            ),
            (
                Entry::ExecutionResources.name(),
                self.resources.to_string().into_bytes(),
            ),
        ]
    }

    fn zip(&self) -> Vec<u8> {
        zip(&self.entries())
    }
}

fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut file);
    for (name, content) in entries {
        let builder = archive
            .new_file(name)
            .compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = builder.start().unwrap();
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        writer.write_all(content).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    file
}

fn error(file: &[u8]) -> PieError {
    read(file, &PieLimits::default()).expect_err("a bad PIE")
}

#[test]
fn a_pie_is_read() {
    let pie = read(&Parts::default().zip(), &PieLimits::default()).unwrap();
    assert_eq!(pie.metadata.program.data.len(), 2);
    assert_eq!(pie.memory.0.len(), 9);
    assert_eq!(pie.execution_resources.n_steps, 9);
    let data = &pie.additional_data.0;
    assert!(matches!(&data[&BuiltinName::ecdsa], BuiltinAdditionalData::Signature(all) if all.len() == 1));
    let BuiltinAdditionalData::Output(output) = &data[&BuiltinName::output] else {
        panic!("{data:?}");
    };
    assert_eq!((output.pages[&1].start, output.pages[&1].size), (0, 1));
    assert_eq!(output.attributes["gps_fact_topology"], [1, 0]);
}

#[test]
fn every_form_of_additional_data_is_read() {
    for form in [
        json!({}),
        json!({ "output_builtin": [], "ecdsa_builtin": [], "pedersen_builtin": [[2, 0]] }),
        json!({ "output_builtin": null, "ecdsa_builtin": null, "pedersen_builtin": null }),
        json!({ "output_builtin": { "pages": {} }, "range_check_builtin": { "any": 1 } }),
        json!({ "output_builtin": { "attributes": { "a": vec![0; 1 << 20] } } }),
    ] {
        let parts = Parts {
            additional: form,
            ..Parts::default()
        };
        read(&parts.zip(), &PieLimits::default()).unwrap();
    }
}

#[test]
fn a_pie_without_a_version_or_with_other_files_is_read() {
    let mut entries = Parts::default().entries();
    entries[0] = ("notes/README", b"hello".to_vec());
    read(&zip(&entries), &PieLimits::default()).unwrap();
}

/// A change of a PIE, the code of the error, and a part of its text.
type Fault = (fn(&mut Parts), &'static str, &'static str);

const FAULTS: &[Fault] = &[
    (
        |it| it.version["cairo_pie"] = json!("1.0"),
        "pie.version",
        "'1.0'",
    ),
    (
        |it| it.version = json!(7),
        "pie.json",
        "version.json: invalid type",
    ),
    (
        |it| it.metadata["program"]["prime"] = json!(17),
        "pie.program",
        "prime is 17",
    ),
    (
        |it| it.metadata["program"]["main"] = json!(2),
        "pie.program",
        "main is 2",
    ),
    (
        |it| it.metadata["program"]["main"] = json!(-1),
        "pie.json",
        "metadata.json",
    ),
    (
        |it| it.metadata["program"]["data"] = json!([7]),
        "pie.segments",
        "size of the program segment is 2; it must be 1",
    ),
    (
        |it| it.metadata["program"]["data"] = json!([7, 9]),
        "pie.memory",
        "the cell at 0:1 is 8; it must be 9",
    ),
    (
        |it| it.metadata["program"]["data"] = json!([7, -1]),
        "pie.json",
        "-1 is not a field element",
    ),
    (
        |it| it.metadata["program"]["data"] = json!([7, 0.5]),
        "pie.json",
        "0.5 is not a field element",
    ),
    (
        |it| it.metadata["program"]["builtins"] = json!(["ecdsa", "output"]),
        "pie.program",
        "'output' is unknown or not in",
    ),
    (
        |it| it.metadata["program"]["builtins"] = json!(["segment_arena"]),
        "pie.program",
        "'segment_arena'",
    ),
    (
        |it| it.metadata["program"]["builtins"] = json!(["output"]),
        "pie.program",
        "builtin_segments has 'ecdsa'",
    ),
    (
        |it| it.metadata["program"]["builtins"] = json!(["output", "pedersen", "ecdsa"]),
        "pie.program",
        "builtin_segments lacks 'pedersen'",
    ),
    (
        |it| it.metadata["program"]["builtins"] = json!(vec!["output"; 12]),
        "pie.json",
        "more than 11 values",
    ),
    (
        |it| it.metadata["ret_fp_segment"]["size"] = json!(1),
        "pie.segments",
        "size of ret_fp_segment is 1",
    ),
    (
        |it| it.metadata["ret_pc_segment"]["index"] = json!(9),
        "pie.segments",
        "index of ret_pc_segment is 9; it must be 5",
    ),
    (
        |it| it.metadata["extra_segments"][0]["index"] = json!(0),
        "pie.segments",
        "extra_segments[0] is 0; it must be 6",
    ),
    (
        |it| it.metadata["extra_segments"][0]["size"] = json!(1_u64 << 47),
        "pie.segments",
        "more than 67108864 cells",
    ),
    (
        |it| it.metadata["extra_segments"][0]["size"] = json!(u64::MAX),
        "pie.segments",
        "more than 67108864 cells",
    ),
    (
        |it| it.metadata = json!({}),
        "pie.json",
        "missing field `program`",
    ),
    (|it| it.memory.truncate(7), "pie.memory", "ends within cell 0"),
    (|it| it.memory[7] = 0, "pie.memory", "cell 0 has the address"),
    (
        |it| it.memory.extend(cell(9, 0, [0; 4])),
        "pie.memory",
        "there are 7 segments, not segment 9",
    ),
    (
        |it| it.memory.extend([0; 120]),
        "pie.entry_size",
        "memory.bin has 480 bytes",
    ),
    (
        |it| it.memory[..8].copy_from_slice(&address(6, 2).to_le_bytes()),
        "pie.memory",
        "has 2 cells, not offset 2",
    ),
    (
        |it| it.memory[..8].copy_from_slice(&address(2, 0).to_le_bytes()),
        "pie.memory",
        "2:0 is there twice",
    ),
    (
        |it| it.memory[8..40].copy_from_slice(&[0x7f; 32]),
        "pie.memory",
        "the cell at 6:1 has a value that is not below",
    ),
    (
        |it| it.memory[8..40].copy_from_slice(&[0xff; 32]),
        "pie.memory",
        "6:1 has neither a field element nor",
    ),
    (
        |it| it.memory[14..16].copy_from_slice(&[4, 0]),
        "pie.memory",
        "6:1 points to segment 8; there are 7",
    ),
    (
        |it| it.memory[15] |= 0x80,
        "pie.memory",
        "6:1 has neither a field element nor",
    ),
    (
        |it| drop(it.memory.drain(40..80)),
        "pie.memory",
        "the program segment has 1 of its first 2 cells",
    ),
    (
        |it| it.memory[128] = 1,
        "pie.memory",
        "the cell at 1:0 is 2:1; it must be 2:0",
    ),
    (
        |it| it.additional["ecdsa_builtin"] = json!([[[2, 0], [5, 6]]]),
        "pie.signatures",
        "a signature is for 2:0",
    ),
    (
        |it| it.additional["ecdsa_builtin"] = json!([[[3, 2], [5, 6]]]),
        "pie.signatures",
        "a signature is for 3:2",
    ),
    (
        |it| it.additional["ecdsa_builtin"] = json!([[[3, 0], [5, -6]]]),
        "pie.json",
        "-6 is not a field element",
    ),
    (
        |it| it.additional["ecdsa_builtin"] = json!([[[3, 1], [5, 6]]]),
        "pie.signatures",
        "a signature is for 3:1",
    ),
    (
        |it| it.metadata["extra_segments"][0]["size"] = json!(1 << 17),
        "pie.segments",
        "131081 cells together, but memory.bin has only 9; at most 65572",
    ),
    (
        |it| it.additional["output_builtin"]["pages"]["x"] = json!([0, 1]),
        "pie.json",
        "additional_data.json: invalid value",
    ),
    (
        |it| it.resources = json!({ "n_steps": -1 }),
        "pie.json",
        "execution_resources.json",
    ),
];

#[test]
fn every_fault_is_named() {
    for (i, (change, code, text)) in FAULTS.iter().enumerate() {
        let mut parts = Parts::default();
        change(&mut parts);
        let error = error(&parts.zip());
        assert!(
            error.code() == *code && error.to_string().contains(text),
            "fault {i}: {} {error}, not {code} {text}",
            error.code()
        );
    }
}

#[test]
fn faults_of_the_archive_are_named() {
    let entries = Parts::default().entries();
    let without = |name: &str| {
        zip(&entries
            .iter()
            .filter(|it| it.0 != name)
            .cloned()
            .collect::<Vec<_>>())
    };
    for name in [
        "metadata.json",
        "memory.bin",
        "additional_data.json",
        "execution_resources.json",
    ] {
        let error = error(&without(name));
        assert_eq!(
            (error.code(), error.to_string()),
            ("pie.missing_entry", format!("the archive has no {name}"))
        );
    }
    let twice = [&entries[..], &entries[2..3]].concat();
    assert_eq!(
        error(&zip(&twice)).to_string(),
        "the archive has more than one memory.bin"
    );
    let many: Vec<_> = (0..65).map(|_| ("x", Vec::new())).collect();
    assert_eq!(
        error(&zip(&many)).to_string(),
        "the archive has more than 64 entries"
    );
    for file in [&b""[..], b"PK\x03\x04", &[0; 100]] {
        assert_eq!(error(file).code(), "pie.archive");
    }

    let good = zip(&entries);
    let small = PieLimits {
        max_bytes: good.len() - 1,
        ..PieLimits::default()
    };
    assert_eq!(read(&good, &small).unwrap_err().code(), "pie.file_size");
    let few = PieLimits {
        max_cells: 10,
        ..PieLimits::default()
    };
    assert_eq!(read(&good, &few).unwrap_err().code(), "pie.segments");
    read(&good, &PieLimits { max_cells: 11, ..few }).unwrap();
    for n in 0..good.len() {
        assert_eq!(error(&good[..n]).code(), "pie.archive", "cut at {n}");
    }
}

/// Changes the central directory's record of an entry at an offset of it.
fn with_directory(file: &mut [u8], name: &str, at: usize, bytes: &[u8]) {
    let at_name = file
        .windows(name.len())
        .rposition(|it| it == name.as_bytes())
        .unwrap();
    let start = at_name - 46 + at;
    file[start..start + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn what_an_archive_says_of_an_entry_is_not_trusted() {
    // Offsets in a record of the central directory: flags, method, checksum, size when expanded.
    let cases: [(usize, &[u8], &str, &str); 6] = [
        (8, &[1, 0], "pie.compression", "memory.bin is encrypted"),
        (
            10,
            &[14, 0],
            "pie.compression",
            "memory.bin is compressed by method",
        ),
        (10, &[0, 0], "pie.memory", "cell 0 has the address"),
        (16, &[1, 2, 3, 4], "pie.damaged", "Invalid checksum"),
        (24, &[0, 0, 0, 0], "pie.damaged", "Invalid size"),
        (
            24,
            &[0, 0, 0, 0xf0],
            "pie.entry_size",
            "memory.bin has 4026531840 bytes when expanded; at most 440",
        ),
    ];
    for (at, bytes, code, text) in cases {
        let mut file = Parts::default().zip();
        with_directory(&mut file, "memory.bin", at, bytes);
        let error = error(&file);
        assert!(
            error.code() == code && error.to_string().contains(text),
            "{at}: {} {error}",
            error.code()
        );
    }
}

/// An archive of a few hundred KiB that expands to hundreds of MiB, and says so or not.
#[test]
fn a_zip_bomb_costs_nothing() {
    let mut entries = Parts::default().entries();
    entries[2].1 = vec![0; 1 << 28];
    let mut file = zip(&entries);
    assert!(file.len() < 1 << 19);
    assert_eq!(error(&file).code(), "pie.entry_size");
    with_directory(&mut file, "memory.bin", 24, &360_u32.to_le_bytes());
    assert_eq!(error(&file).code(), "pie.damaged");

    let mut entries = Parts::default().entries();
    entries[1].1 = vec![b' '; 1 << 27];
    let mut file = zip(&entries);
    assert_eq!(error(&file).code(), "pie.entry_size");
    with_directory(&mut file, "metadata.json", 24, &360_u32.to_le_bytes());
    assert_eq!(error(&file).code(), "pie.damaged");
}

/// StarkWare's own example, written by another program.
#[test]
fn a_pie_of_starkware_is_read() {
    let pie = read(
        include_bytes!("../../tests/data/fibonacci_pie.zip"),
        &PieLimits::default(),
    )
    .unwrap();
    assert_eq!(pie.execution_resources.n_steps, 89);
    assert_eq!(pie.metadata.program.data.len(), 54);
}
