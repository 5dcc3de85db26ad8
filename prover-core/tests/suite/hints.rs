//! Programs with hints run as with Cairo's own tools.

use crate::common::Golden;
use quarry_kernels::Felt;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::runner::{Executable, RunError, RunOptions, run};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// A program with hints, its input, and the files that Cairo's own tools made for it in layout `small`. It has no
/// proof.
fn hints_case(case: &str) -> Golden {
    Golden {
        layout: "small".into(),
        case: case.into(),
        tag: String::new(),
        n_steps: 0,
        digest: None,
        proof_bytes: 0,
        stone_cpu_seconds: 0.0,
        folder: Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/hints")
            .join(case),
    }
}

/// The output of a program.
fn output(input: &ProverInput) -> Vec<Felt> {
    let segment = input.public.memory_segments["output"];
    let cells = input.public.public_memory.iter();
    let cells = cells.filter(|cell| (segment.begin_addr..segment.stop_ptr).contains(&cell.address));
    cells.map(|cell| cell.value).collect()
}

fn program_input(case: &Golden) -> Option<Value> {
    let text = case
        .has("program_input.json")
        .then(|| case.text("program_input.json"))?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The files that `cairo-run` wrote for a case.
fn read_input(case: &Golden) -> ProverInput {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [public, private, ..] = [
        "public_input.json",
        "private_input.json",
        "trace.bin",
        "memory.bin",
    ]
    .map(|name| {
        let path = folder.path().join(name);
        fs::write(&path, case.bytes(name)).expect("a folder that can be written");
        path
    });
    ProverInput::read(&public, &private).expect("valid inputs")
}

/// Asserts that the case's run equals that of `cairo-run` and has this output.
fn assert_same_run(name: &str, expected: &[Felt]) {
    let case = hints_case(name);
    let golden = read_input(&case);
    let options = RunOptions {
        min_steps: golden.trace.len(),
        ..RunOptions::default()
    };
    let input = program_input(&case);
    let run = run(
        Executable::program(&case.bytes("program.json"), input.as_ref()),
        "small",
        &options,
    )
    .expect("a run");
    assert_eq!(output(&run), expected);
    assert_eq!(run, golden);
}

#[test]
fn a_list_is_summed() {
    assert_same_run("list", &[Felt::from(3 + 5 + 8_u64)]);
}

#[test]
fn the_library_doubles_a_point_of_secp256r1() {
    // The lowest 86 bits of x(2G), by the formulas of the affine curve.
    assert_same_run(
        "secp256r1",
        &[Felt::from(60_574_784_517_941_929_169_033_592_u128)],
    );
}

#[test]
fn inputs_of_the_tutorials_are_read() {
    let places = 1 + 2 + 2 + 1 + 1 + 1;
    let (tiles, votes) = (3 + 7 + 8, [5 * 10, 1 + 6 * 10 + 100 + 1000]);
    let expected: [u128; 6] = [
        1000 * places + tiles,
        votes[0] + 100 * votes[1],
        0x1f + 1000 * 9 + 100_000 * 20,
        40 - (9 - 1) + (1 << 80),
        (1 + 2) + 3 * (3 + 4 + 5),
        123,
    ];
    assert_same_run("inputs", &expected.map(Felt::from));
}

#[test]
fn what_hints_print_goes_to_standard_error() {
    let this = env::current_exe().expect("this program");
    let child = Command::new(this)
        .args([
            "--exact",
            "hints::inputs_of_the_tutorials_are_read",
            "--nocapture",
        ])
        .output()
        .expect("a child");
    let (out, err) = [child.stdout, child.stderr]
        .map(|said| String::from_utf8_lossy(&said).into_owned())
        .into();
    assert!(err.contains("tiles: [3, 7, 8] and 3\n"), "{err}");
    assert!(out.contains("1 passed") && !out.contains("tiles"), "{out}");
}

/// Runs the program `list` with another hint and this input.
fn run_hint(code: &str, input: Value) -> Result<ProverInput, RunError> {
    let program = hints_case("list").bytes("program.json");
    let mut program: Value = serde_json::from_slice(&program).expect("JSON");
    let hints = program["hints"].as_object_mut().expect("hints");
    for hint in hints.values_mut() {
        hint[0]["code"] = code.into();
    }
    let program = serde_json::to_vec(&program).expect("JSON");
    let options = RunOptions {
        max_steps: 1 << 12,
        ..RunOptions::default()
    };
    run(Executable::program(&program, Some(&input)), "small", &options)
}

#[test]
fn other_ways_to_give_a_list_are_the_same() {
    let numbers = json!({ "deep": [{ "numbers": ["0x3", 5, 8] }], "text": ["3", "5", "8"] });
    for code in [
        "ids.list = segments.gen_arg(program_input['deep'][0]['numbers'])\nids.n = len(program_input['deep'][0]['numbers'])",
        "ids.list = segments.add()\nsegments.write_arg(ids.list, program_input[\"deep\"][0][\"numbers\"])\nids.n = 3",
        "ids.list = x = segments.add()\nmemory[x] = 3\nmemory[x + 1] = 5\nmemory[1 + x + 1] = 8\nids.n = 3",
        "ids.list = segments.gen_arg([int(number, 16) for number in program_input['text']])\nids.n = 3",
    ] {
        let run = run_hint(code, numbers.clone()).expect(code);
        assert_eq!(output(&run), [Felt::from(16_u64)], "{code}");
    }
}

#[test]
fn faults_of_the_run_are_told_with_their_hint() {
    for (code, why) in [
        ("ids.n = 1\nids.n = 2", "Inconsistent memory"),
        (
            "ids.n = 1\nassert ids.n == 2\nids.list = segments.add()",
            "its assertion does not hold",
        ),
        (
            "ids.n = 2\nids.list = segments.gen_arg(program_input['x'][ids.n])",
            "program_input['x'][2]: there is no such element",
        ),
        ("ids.n = none.n", "is not supported"),
        ("ids.m = 1", "ids.m is not known"),
    ] {
        let error = run_hint(code, json!({ "x": [[1], [2]] }))
            .expect_err(code)
            .to_string();
        assert!(error.contains(why) && error.contains("pc 22"), "{code}: {error}");
    }
}

#[test]
fn the_message_for_a_hint_names_the_way_round() {
    let error = run_hint("import os", json!({})).expect_err("a hint in Python");
    assert!(matches!(&error, RunError::UnknownHint { pc: 22, code } if code == "import os"));
    let text = error.to_string();
    for said in [
        "pc 22",
        "import os",
        "cairo-run --proof_mode",
        "--air_private_input",
        "--private_input_file",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn hints_that_write_without_end_are_stopped() {
    let numbers: Vec<u64> = (0..100).collect();
    let code = "a = program_input['a']\nids.n = 1\nids.list = segments.gen_arg([[a for x in a] for x in a])";
    let error = run_hint(code, json!({ "a": numbers }))
        .expect_err("too much")
        .to_string();
    assert!(error.contains("step limit"), "{error}");
}
