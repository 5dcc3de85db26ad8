//! Reading and verifying a proof file takes at most four times its size in memory, whatever it contains.

use quarry_prover_core::inspect::inspect;
use quarry_prover_core::proof::ProofFile;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// Size of a file in bytes.
const SIZE: usize = 16 << 20;

/// The environment variable that names the file for the process that reads it.
const FILE: &str = "QUARRY_HOSTILE_FILE";

/// The parts of the file of a small run in layout plain, with a name for the place after each part, where more may
/// follow.
const PARTS: [(&str, &str); 6] = [
    ("root", "{"),
    ("hex", r#""proof_hex":"0x"#),
    (
        "steps",
        r#"","proof_parameters":{"field":"PrimeField0","use_extension_field":false,"stark":{"log_n_cosets":2,"fri":{
        "last_layer_degree_bound":256,"n_queries":20,"proof_of_work_bits":0,"fri_step_list":[0,4,4,4,4,4,4"#,
    ),
    (
        "params",
        r#"]}}},"public_input":{"layout":"plain","n_steps":268435456,"rc_min":0,"rc_max":65535,"dynamic_params":{"#,
    ),
    (
        "segments",
        r#"},"memory_segments":{"program":{"begin_addr":1,"stop_ptr":5},"execution":{"begin_addr":10,"stop_ptr":11}"#,
    ),
    (
        "cells",
        r#"},"public_memory":[{"address":1,"page":0,"value":"0x40780017fff7fff"},{"address":2,"page":0,"value":"0x0"},
        {"address":3,"page":0,"value":"0x1104800180018000"},{"address":4,"page":0,"value":"0x4"},
        {"address":5,"page":0,"value":"0x10780017fff7fff"},{"address":6,"page":0,"value":"0x0"},
        {"address":7,"page":0,"value":"0x208b7fff7fff7ffe"},{"address":8,"page":0,"value":"0xa"},
        {"address":9,"page":0,"value":"0x0"}"#,
    ),
];

/// A file that is filled up to `SIZE` with `more` at one place.
fn file(place: &str, more: impl Fn(usize) -> String) -> String {
    let mut file = String::new();
    for (name, part) in PARTS {
        file.push_str(part);
        let mut i = 0;
        while name == place && file.len() < SIZE {
            file.push_str(&more(i));
            i += 1;
        }
    }
    file + "]}}"
}

/// A proof file, without a proof, of a whole run in layout small whose `main` has the builtins output and pedersen.
fn whole_run(program: &[&str], output: &[String]) -> String {
    let frame = 1 + ENTRY.len() + program.len() + 2;
    let begin = frame + 6;
    let end = begin + output.len();
    let (begin_pedersen, end_pedersen) = (end, end + 3);
    let mut file = format!(
        r#"{{"proof_hex":"0x","proof_parameters":{{"field":"PrimeField0","use_extension_field":false,"stark":{{
        "log_n_cosets":2,"fri":{{"last_layer_degree_bound":256,"n_queries":20,"proof_of_work_bits":0,
        "fri_step_list":[0,4,4,4,4,4,4]}}}}}},"public_input":{{"layout":"small","n_steps":268435456,"rc_min":0,"rc_max":65535,
        "memory_segments":{{"program":{{"begin_addr":1,"stop_ptr":5}},
        "execution":{{"begin_addr":{frame},"stop_ptr":{begin}}},"output":{{"begin_addr":{begin},"stop_ptr":{end}}},
        "pedersen":{{"begin_addr":{begin_pedersen},"stop_ptr":{end_pedersen}}},
        "range_check":{{"begin_addr":{end_pedersen},"stop_ptr":{end_pedersen}}},
        "ecdsa":{{"begin_addr":{end_pedersen},"stop_ptr":{end_pedersen}}}}},"public_memory":["#
    );
    let number = |number: usize| format!("{number:#x}");
    let words = ENTRY
        .into_iter()
        .chain(program.iter().copied())
        .map(str::to_owned);
    let frame = [number(frame), number(0), number(begin), number(begin_pedersen)];
    let given_back = [number(end), number(end_pedersen)];
    let cells = (1..).zip(words.chain(frame));
    let results = (begin - 2..).zip(given_back.into_iter().chain(output.iter().cloned()));
    for (address, value) in cells.chain(results) {
        let comma = if address == 1 { "" } else { "," };
        let _ = write!(
            file,
            r#"{comma}{{"address":{address},"page":0,"value":"{value}"}}"#
        );
    }
    file + "]}}"
}

/// The entry code of a program whose `main` has two builtins, and the smallest `main`.
const ENTRY: [&str; 7] = [
    "0x40780017fff7fff",
    "0x2",
    "0x1104800180018000",
    "0x4",
    "0x10780017fff7fff",
    "0x0",
    "0x208b7fff7fff7ffe",
];

/// Large statements that are well-formed; `inspect` reports what they claim.
fn whole_runs() -> Vec<(&'static str, String)> {
    let n_cells = SIZE / 42;
    let hash = "0x931813b5c14b9b8b8d9f44bc542445105de0c7e1c7a5a83b7e40ca0b096975";
    let n_tasks = SIZE / (42 + 105);
    let tasks = (0..n_tasks).flat_map(|_| ["0x2".to_owned(), hash.to_owned()]);
    let tasks: Vec<_> = [format!("{n_tasks:#x}")].into_iter().chain(tasks).collect();
    vec![
        ("a program", whole_run(&vec!["0x1"; n_cells], &[])),
        ("an output", whole_run(&[], &vec!["0x1".to_owned(); n_cells])),
        ("tasks", whole_run(&[], &tasks)),
    ]
}

fn hostile_files() -> Vec<(&'static str, String)> {
    let cell = |i: usize| 1000 + i;
    let last = |list: String, close: &str| list.replacen(',', "", 1) + close;
    let mut files = vec![
        ("a small file", file("", |_| String::new())),
        (
            "cells",
            file("cells", |_| {
                r#",{"address":99,"page":0,"value":"0x1"}"#.to_owned()
            }),
        ),
        (
            "cells in descending order",
            file("cells", |i| {
                format!(r#",{{"address":{},"page":0,"value":"0x1"}}"#, 9_999_999 - i)
            }),
        ),
        (
            "a page for every cell",
            file("cells", |i| {
                format!(r#",{{"address":99,"page":{},"value":"0x1"}}"#, cell(i))
            }),
        ),
        (
            "pages in descending order",
            file("cells", |i| {
                format!(r#",{{"address":99,"page":{},"value":"0x1"}}"#, 9_999_999 - i)
            }),
        ),
        ("a proof", file("hex", |_| "00".to_owned())),
        ("an escaped proof", file("hex", |_| "\\u0030".to_owned())),
        ("steps", file("steps", |_| ",1".to_owned())),
        (
            "segments",
            file("segments", |i| {
                format!(r#","{i}":{{"begin_addr":1,"stop_ptr":1}}"#)
            }),
        ),
        ("dynamic parameters", file("params", |i| format!("\"{i}\":1,"))),
        (
            "members that are not read",
            file("root", |i| format!("\"{i}\":1,")),
        ),
        ("comments", file("root", |_| "/**/\n".to_owned())),
    ];
    let whole = file("", |_| String::new());
    let whole = whole.trim_start_matches('{');
    let list = |item: &str| last(item.repeat(SIZE / item.len()), "],");
    files.push((
        "annotations",
        format!("{{\"annotations\":[{}{whole}", list(",\"\"")),
    ));
    let depth = SIZE / 2;
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    files.push(("depth", format!("{{\"version\":{open}{close},{whole}")));
    let digits = "1".repeat(SIZE);
    files.push(("digits", format!("{{{}", whole.replace("268435456", &digits))));
    files.push((
        "text after the value",
        format!("{{{whole}{}", "{\"".repeat(SIZE / 2)),
    ));
    files
}

/// Peak resident memory of this process in bytes.
fn peak_resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number
        .and_then(|number| number.parse::<usize>().ok())
        .expect("a size")
        << 10
}

/// The other test runs this in a separate process for each file.
#[test]
fn reader() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let text = fs::read_to_string(path).expect("a file");
    let file = ProofFile::parse(&text);
    drop(text);
    let end = match file {
        Ok(file) => match inspect(&file) {
            Ok(read) => {
                serde_json::to_writer(io::sink(), &read).expect("it can be written");
                format!("{} {:?}", read.claim.run.name(), read.stopped)
            }
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    println!("\npeak {} {}", peak_resident_bytes(), &end[..end.len().min(200)]);
}

/// Returns the peak memory and how reading ended.
fn read(path: &Path) -> (usize, String) {
    let this = std::env::current_exe().expect("this test");
    let mut command = Command::new(this);
    command
        .args(["--exact", "hostile_files::reader", "--nocapture"])
        .env(FILE, path);
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("peak "));
    let (peak, end) = line
        .and_then(|line| line.split_once(' '))
        .unwrap_or_else(|| panic!("{output:?}"));
    (peak.parse().expect("a number"), end.to_owned())
}

#[test]
fn memory_is_at_most_four_times_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proof.json");
    let mut base = None;
    for (name, text) in hostile_files().into_iter().chain(whole_runs()) {
        fs::write(&path, &text).expect("a file");
        let (peak, end) = read(&path);
        let base = *base.get_or_insert(peak);
        let times = (peak - base.min(peak)) as f64 / text.len() as f64;
        println!("{name}: {times:.2} times {} bytes: {end}", text.len());
        assert!(
            text.len() < 1 << 20 || times <= 4.0,
            "{name}: {times:.2} times the file"
        );
        let form = match name {
            "a small file" | "a program" | "an output" => "cairo0",
            "tasks" => "bootloaded",
            _ => continue,
        };
        assert!(
            end.starts_with(form) && end.contains("the proof ends"),
            "{name}: {end}"
        );
    }
}
