//! Running programs gives the same inputs as Stone's own tools.

use super::corpus;
use crate::common::proving::{cpu, read_input};
use crate::common::{Golden, repository};
use crate::corpus::repository_cases;
use quarry_kernels::Felt;
use quarry_kernels::hash::pedersen;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::runner::{
    Executable, RunError, RunOptions, program_builtins, run, run_dynamic,
};
use quarry_prover_core::cairo::trace::build_trace;
use quarry_prover_core::prover::check;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn case(layout: &str, case: &str) -> Golden {
    let rows = repository();
    let row = rows
        .into_iter()
        .find(|row| row.layout == layout && row.case == case);
    row.expect("a case of the repository")
}

fn run_case(row: &Golden, options: &RunOptions) -> Result<ProverInput, RunError> {
    let input: Value = serde_json::from_str(&row.text("program_input.json")).expect("JSON");
    run(
        Executable::program(&row.bytes("program.json"), Some(&input)),
        &row.layout,
        options,
    )
}

fn fibonacci() -> Golden {
    case("plain", "fib_2p9")
}

#[test]
fn runs_give_the_golden_inputs() {
    let mut rows = corpus();
    rows.retain(|row| row.layout == "plain" && row.tag == "base" && row.has("program.json"));
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            run_case(&row, &RunOptions::default()).expect("a run"),
            read_input(&row),
            "{}",
            row.name()
        );
    }
}

#[test]
fn what_is_written_is_read_back() {
    let input = read_input(&case("small", "c1"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    input.write(folder.path()).expect("a folder that can be written");
    let path = |name| folder.path().join(name);
    let again = ProverInput::read(&path("public_input.json"), &path("private_input.json"));
    assert_eq!(again.expect("valid inputs"), input);
}

#[test]
fn more_steps_are_padding() {
    let row = fibonacci();
    let options = RunOptions {
        min_steps: 600,
        ..RunOptions::default()
    };
    let (padded, golden) = (run_case(&row, &options).expect("a run"), read_input(&row));
    assert_eq!(padded.public.n_steps, 1024);
    assert_eq!(padded.trace[..500], golden.trace[..500]);
    assert_eq!(padded.trace[1023], padded.trace[1021]);
}

#[test]
fn programs_run_in_layouts_that_they_use_little_of() {
    for layout in ["dex", "perpetual", "recursive", "all_solidity"] {
        let row = fibonacci();
        let input: Value = serde_json::from_str(&row.text("program_input.json")).expect("JSON");
        let input = run(
            Executable::program(&row.bytes("program.json"), Some(&input)),
            layout,
            &RunOptions::default(),
        )
        .expect("a run");
        assert_eq!(input.public.layout, layout);
        build_trace(&Layout::of(&input.public).expect("a layout"), &input)
            .unwrap_or_else(|error| panic!("{layout}: {error}"));
    }
}

#[test]
fn programs_run_in_layout_dynamic() {
    let mut cases = repository_cases();
    cases.retain(|case| case.layout == "dynamic");
    assert_eq!(cases.len(), 2);
    let row = fibonacci();
    let program = row.bytes("program.json");
    let program_input: Value = serde_json::from_str(&row.text("program_input.json")).expect("JSON");
    for case in cases {
        let mut params = read_input(&case).public.dynamic_params.expect("parameters");
        let run = |params: &BTreeMap<String, u64>| {
            run_dynamic(
                Executable::program(&program, Some(&program_input)),
                params,
                &RunOptions::default(),
            )
        };
        // The parameters leave room for a step of twice as many rows.
        for component_step in [1, 2] {
            params.insert("cpu_component_step".to_owned(), component_step);
            let input = run(&params).expect("a run");
            let name = format!("{}, component step {component_step}", case.name());
            let checked = check(&cpu(None), &input).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(checked.n_rows as u64, 16 * component_step * input.public.n_steps);
            if let Some(violation) = checked.violation {
                panic!("{name}: {violation}");
            }
        }
        params.remove("memory_units_row_ratio");
        let error = run(&params).expect_err("a parameter is missing");
        assert!(
            matches!(&error, RunError::DynamicParam(name) if name == "memory_units_row_ratio"),
            "{error}"
        );
    }
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    let options = RunOptions {
        max_steps: 100,
        ..RunOptions::default()
    };
    assert!(matches!(
        run_case(&fibonacci(), &options),
        Err(RunError::StepLimit(100))
    ));
}

#[test]
fn padding_stops_at_the_step_limit() {
    let options = RunOptions {
        max_steps: 1000,
        min_steps: 600,
        ..RunOptions::default()
    };
    assert!(matches!(
        run_case(&fibonacci(), &options),
        Err(RunError::TooLarge(1000))
    ));
}

#[test]
fn unsupported_hints_are_refused_before_the_run() {
    let error = run_case(&case("small", "c1"), &RunOptions::default()).expect_err("a hint in Python");
    let RunError::UnknownHint { pc, code } = &error else {
        panic!("{error}");
    };
    assert!(code.contains("ecdsa_builtin.add_signature"), "{code}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("pc {pc}")) && text.contains(code),
        "{text}"
    );
}

#[test]
fn missing_program_input_is_an_error() {
    let program = fibonacci().bytes("program.json");
    for input in [
        None,
        Some(json!({})),
        Some(json!({ "fibonacci_claim_index": [1] })),
    ] {
        let error = run(
            Executable::program(&program, input.as_ref()),
            "plain",
            &RunOptions::default(),
        )
        .expect_err("no input");
        assert!(
            matches!(&error, RunError::ProgramInput { path, .. } if path.starts_with("program_input")),
            "{error}"
        );
    }
}

/// Runs the Fibonacci program after a change of its JSON.
fn run_changed(change: impl Fn(&mut Value)) -> Result<ProverInput, RunError> {
    let mut program: Value = serde_json::from_slice(&fibonacci().bytes("program.json")).expect("JSON");
    change(&mut program);
    let input = json!({ "fibonacci_claim_index": 5 });
    let program = serde_json::to_vec(&program).expect("JSON");
    run(
        Executable::program(&program, Some(&input)),
        "plain",
        &RunOptions::default(),
    )
}

#[test]
fn bad_programs_are_errors() {
    let remove = |key: &'static str| {
        move |program: &mut Value| {
            program["identifiers"]
                .as_object_mut()
                .expect("identifiers")
                .remove(key);
        }
    };
    let cases: [(&str, Result<ProverInput, RunError>); 8] = [
        ("no main", run_changed(remove("__main__.main"))),
        ("no __start__", run_changed(remove("__main__.__start__"))),
        ("no __end__", run_changed(remove("__main__.__end__"))),
        (
            "another prime",
            run_changed(|program| program["prime"] = json!("0x11")),
        ),
        ("no data", run_changed(|program| program["data"] = json!([]))),
        (
            "no instruction",
            run_changed(|program| program["data"][0] = json!("0x8000000000000000")),
        ),
        (
            "unknown builtin",
            run_changed(|program| program["builtins"] = json!(["magic"])),
        ),
        (
            "builtin that the layout lacks",
            run_changed(|program| program["builtins"] = json!(["pedersen"])),
        ),
    ];
    for (name, result) in cases {
        let error = result.expect_err(name);
        println!("{name}: {error}");
    }
    for bytes in [&b""[..], b"{", b"[]", b"{}", b"\xff"] {
        let error = run(Executable::program(bytes, None), "plain", &RunOptions::default())
            .expect_err("not a program");
        assert!(matches!(error, RunError::Program(_)), "{error}");
    }
    assert!(matches!(
        run(
            Executable::program(&fibonacci().bytes("program.json"), None),
            "nonsense",
            &RunOptions::default()
        ),
        Err(RunError::ProgramInput { .. } | RunError::Layout(_))
    ));
}

#[test]
fn a_failing_program_is_an_error_with_its_pc() {
    // The first instruction of `main` becomes one that asserts a falsehood: [fp - 1] = [fp - 1] + 1.
    let error = run_changed(|program| {
        let pc = program["identifiers"]["__main__.main"]["pc"]
            .as_u64()
            .expect("a pc") as usize;
        program["data"][pc] = json!("0x482680017ffd7fff");
        program["data"][pc + 1] = json!("0x1");
    })
    .expect_err("a falsehood");
    assert!(matches!(&error, RunError::Failed { .. }), "{error}");
}

#[test]
fn builtins_are_those_of_the_program() {
    assert_eq!(
        program_builtins(&fibonacci().bytes("program.json")).expect("a program"),
        [""; 0]
    );
    assert_eq!(
        program_builtins(&case("small", "c1").bytes("program.json")).expect("a program"),
        ["output", "pedersen", "range_check", "ecdsa"]
    );
}

/// Runs an example of the repository.
fn run_example(name: &str, layout: &str, input: &Value) -> Result<ProverInput, RunError> {
    let options = RunOptions {
        max_steps: 1 << 16,
        ..RunOptions::default()
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let program = fs::read(folder.join("program.json")).expect("the example's program");
    run(Executable::program(&program, Some(input)), layout, &options)
}

fn example_input(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    serde_json::from_slice(&fs::read(folder.join("input.json")).expect("the example's input")).expect("JSON")
}

#[test]
fn the_collatz_example_outputs_what_it_says() {
    let input = run_example("collatz", "small", &example_input("collatz")).expect("a run");
    let start = example_input("collatz")["start"].as_u64().expect("a number");
    let next = |&n: &u64| match n {
        1 => None,
        n if n % 2 == 0 => Some(n / 2),
        n => Some(3 * n + 1),
    };
    let sequence: Vec<u64> = std::iter::successors(Some(start), next).collect();
    let largest = sequence.iter().copied().max().expect("a start");
    let hash = sequence
        .iter()
        .fold(Felt::from(0u64), |hash, &n| pedersen::hash(hash, Felt::from(n)));
    let expected = [start, sequence.len() as u64, largest].map(Felt::from);
    let output = input.public.output().expect("public output");
    assert_eq!(output, [&expected[..], &[hash]].concat());
    build_trace(&Layout::by_name("small").expect("known"), &input).expect("a trace");
}

#[test]
fn the_cubes_example_runs() {
    let input = run_example("cubes", "plain", &example_input("cubes")).expect("a run");
    build_trace(&Layout::by_name("plain").expect("known"), &input).expect("a trace");
}

#[test]
fn an_example_that_fails_its_own_assertion_is_an_error() {
    let error = run_example("collatz", "small", &json!({ "start": 0 })).expect_err("0 is not above 0");
    assert!(matches!(&error, RunError::Failed { .. }), "{error}");
    println!("{error}");
    // An endless descent: n is never 0.
    let error = run_example("cubes", "plain", &json!({ "n": -1 }));
    assert!(matches!(error, Err(RunError::StepLimit(_))));
}

/// Found by fuzzing: the virtual machine's parser panics on these.
#[test]
fn words_that_are_no_hexadecimal_are_refused() {
    let program: Value = serde_json::from_slice(&fibonacci().bytes("program.json")).expect("JSON");
    for word in ["", "0", "0x", "1", "0x\u{20ac}1", "0\u{20ac}1", "x"] {
        let mut program = program.clone();
        program["data"][3] = json!(word);
        let program = program.to_string().into_bytes();
        let refused = run(
            Executable::program(&program, None),
            "plain",
            &RunOptions::default(),
        );
        assert!(
            matches!(refused, Err(RunError::Program(_))),
            "{word}: {refused:?}"
        );
        assert!(program_builtins(&program).is_err(), "{word}");
    }
}
