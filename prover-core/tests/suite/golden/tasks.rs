//! PIEs under the simple bootloader: the inputs of a golden case, and what other layouts make of PIEs.

mod layouts;
mod made;
mod programs;

use super::is_slow_tier;
use crate::common::proving::{cpu, read_input};
use crate::common::{Golden, repository};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::MaybeRelocatable;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use made::{Use, every_builtin, modular};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::{Layout, default_dynamic_params};
use quarry_prover_core::cairo::run::{Form, Run};
use quarry_prover_core::cairo::runner::{Executable, RunError, RunOptions, run, run_dynamic};
use quarry_prover_core::demand::used_cells;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::inspect::inspect_pie;
use quarry_prover_core::profiles::Profile;
use quarry_prover_core::prover::{ProveOptions, check, prove};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use quarry_tasks::bootloader::{Bootloader, HashFunction, Tasks};
use quarry_tasks::pie::{self, PieLimits};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The hashes of the PIE's program, by Pedersen and by Poseidon.
const HASHES: [&str; 2] = [
    "0x931813b5c14b9b8b8d9f44bc542445105de0c7e1c7a5a83b7e40ca0b096975",
    "0x26fe1e74cfb0f7719609c24403047643e30ee4418167576452614127cbb4b2b",
];

fn golden() -> Golden {
    let mut rows = repository().into_iter();
    let row = rows.find(|row| row.case == "pie");
    row.expect("the case of a PIE")
}

/// The PIE of the golden case.
fn fibonacci() -> CairoPie {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data/fibonacci_pie.zip");
    let file = fs::read(path).expect("a PIE");
    pie::read(&file, &PieLimits::default()).expect("a PIE")
}

/// These PIEs under StarkWare's simple bootloader.
fn simple(pies: Vec<CairoPie>) -> Tasks {
    Tasks::new(pies).under(Bootloader::Simple)
}

/// The same, with their programs hashed by Poseidon.
fn by_poseidon(pies: Vec<CairoPie>) -> Tasks {
    simple(pies).hashed_by(Some(HashFunction::Poseidon))
}

fn run_in(layout: &str, tasks: &Tasks) -> Result<ProverInput, RunError> {
    run(Executable::Tasks(tasks), layout, &RunOptions::default())
}

/// The output of a run, which must be a bootloader's and keep every constraint.
fn output(input: &ProverInput) -> Vec<Felt> {
    let layout = Layout::of(&input.public).expect("a layout");
    let run = Run::of(&input.public, &layout);
    assert_eq!(run.form, Form::Bootloaded, "{:?}", run.why_not_whole);
    if let Some(violation) = check(&cpu(None), input).expect("a trace").violation {
        panic!("{}: {violation}", layout.name);
    }
    run.output.expect("a public output")
}

fn felts(values: &[u64]) -> Vec<Felt> {
    values.iter().copied().map(Felt::from).collect()
}

/// What the bootloader writes of the PIE of the golden case.
fn of_fibonacci(hash: &str) -> Vec<Felt> {
    let hash = felt::from_hex(hash).expect("a hash");
    [felts(&[4]), vec![hash], felts(&[1, 89])].concat()
}

#[test]
fn a_pie_gives_the_golden_inputs() {
    let row = golden();
    let input = run_in("small", &simple(vec![fibonacci()])).expect("a run");
    assert_eq!(input, read_input(&row));
    let folder = tempfile::tempdir().expect("a folder");
    input.write(folder.path()).expect("a folder that can be written");
    for name in ["trace.bin", "memory.bin"] {
        let written = fs::read(folder.path().join(name)).expect("a file");
        assert!(written == row.bytes(name), "{name}");
    }
}

#[test]
fn the_bootloader_has_the_hashes_of_starkwares_file() {
    let tasks = simple(Vec::new());
    let file = tasks.bootloader().program(&[]);
    let text = str::from_utf8(&file).expect("a text");
    let program = CompiledProgram::parse(text).expect("a program");
    let hashes = program.bootloader_hashes();
    assert_eq!(
        [hashes.pedersen, hashes.poseidon, program.hash()].map(|hash| felt::to_hex(&hash)),
        [
            "0x71118057d4b12105f75eb1c6c9780f0660d81bbe5a70056b827be493f027073",
            "0xedb52a69b55e845948d0bfd4a560896201a53a6050c7190056671501658d8f",
            "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2",
        ]
    );
}

#[test]
fn a_pie_is_explained() {
    let mut pie = fibonacci();
    let shown = inspect_pie(&pie);
    let hashes = [shown.program_hash.pedersen, shown.program_hash.poseidon];
    assert_eq!(hashes.map(|hash| felt::to_hex(&hash)), HASHES);
    assert_eq!((shown.program_words, shown.claimed_steps), (54, 89));
    assert_eq!(shown.output, Some(felts(&[1, 89])));
    assert_eq!(shown.foreign_instructions, []);
    // Stone cannot prove Blake2s instructions, which Starknet's operating system has.
    let mut other = fibonacci();
    other.metadata.program.data[7] = Felt252::from(0x80107ffd7ffc7fff_u64).into();
    let found = inspect_pie(&other).foreign_instructions;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].offset, &*found[0].opcode), (7, "Blake2s"));
    // It may claim an output that it does not have.
    for segment in pie.metadata.builtin_segments.values_mut() {
        segment.size = usize::MAX;
    }
    assert_eq!(inspect_pie(&pie).output, None);
}

#[test]
fn the_output_is_the_same_in_every_layout() {
    let tasks = simple(vec![fibonacci()]);
    let [pedersen, poseidon] = HASHES.map(of_fibonacci);
    for (layout, hash, expected) in [
        ("small", None, &pedersen),
        ("recursive", None, &pedersen),
        ("starknet_with_keccak", Some(HashFunction::Poseidon), &poseidon),
    ] {
        let input = run_in(layout, &tasks.clone().hashed_by(hash)).expect("a run");
        assert_eq!(output(&input), [&felts(&[1]), &expected[..]].concat(), "{layout}");
    }
}

#[test]
fn the_hash_function_with_fewer_steps_is_taken() {
    let few = Use {
        signatures: 0,
        ec_ops: 0,
        keccaks: 0,
    };
    let tasks = simple(vec![fibonacci(), every_builtin(&few)]);
    let run = |hash| {
        let input = run_in("recursive_with_poseidon", &tasks.clone().hashed_by(hash));
        input.expect("a run")
    };
    let [pedersen, poseidon] = HashFunction::ALL.map(|hash| run(Some(hash)));
    assert_eq!(
        [pedersen.public.n_steps, poseidon.public.n_steps],
        [131_072, 65_536]
    );
    assert!(run(None) == poseidon);
}

#[test]
fn two_pies_in_one_run() {
    let fibonacci = fibonacci();
    let other = every_builtin(&Use::default());
    let alone = run_in("starknet_with_keccak", &by_poseidon(vec![other.clone()])).expect("a run");
    let alone = output(&alone);
    let tasks = by_poseidon(vec![fibonacci.clone(), other, fibonacci.clone(), fibonacci]);
    let all = output(&run_in("starknet_with_keccak", &tasks).expect("a run"));
    let of_fibonacci = of_fibonacci(HASHES[1]);
    let expected = [
        &felts(&[4]),
        &of_fibonacci[..],
        &alone[1..],
        &of_fibonacci,
        &of_fibonacci,
    ]
    .concat();
    assert_eq!(all, expected);
}

/// The bootloader checks keccak and ec_op in Cairo where the layout lacks them, and writes the same output.
#[test]
fn builtins_that_a_layout_lacks_are_simulated() {
    let tasks = by_poseidon(vec![every_builtin(&Use::default())]);
    let with_all = output(&run_in("starknet_with_keccak", &tasks).expect("a run"));
    let no_keccak = run_in("starknet", &tasks).expect("a run");
    assert_eq!(output(&no_keccak), with_all, "keccak");

    // A layout without ecdsa takes no task with signatures.
    let error = run_in("recursive_with_poseidon", &tasks).expect_err("a layout without ecdsa");
    assert_eq!(
        error.to_string(),
        "task 0 needs the builtin 'ecdsa', which layout 'recursive_with_poseidon' does not have"
    );
    let unsigned = by_poseidon(vec![every_builtin(&Use {
        signatures: 0,
        ..Use::default()
    })]);
    let without = run_in("recursive_with_poseidon", &unsigned).expect("a run");
    assert_eq!(output(&without), with_all, "keccak and ec_op");
}

/// Layout `dynamic` has a segment of every builtin, and instances of those that its parameters name.
#[test]
fn tasks_run_in_layout_dynamic() {
    let mut rows = repository().into_iter();
    let row = rows
        .find(|row| row.case == "c3_nokeccak_mod")
        .expect("a golden case");
    let params = read_input(&row).public.dynamic_params.expect("parameters");
    let run = |tasks: &Tasks| run_dynamic(Executable::Tasks(tasks), &params, &RunOptions::default());

    let tasks = by_poseidon(vec![every_builtin(&Use::default())]);
    assert_eq!(
        run(&tasks).expect_err("no keccak").to_string(),
        "task 0 needs the builtin 'keccak', which layout 'dynamic' does not have"
    );
    let tasks = by_poseidon(vec![every_builtin(&Use {
        keccaks: 0,
        ..Use::default()
    })]);
    let expected = run_in("starknet_with_keccak", &tasks).expect("a run");
    assert_eq!(output(&run(&tasks).expect("a run")), output(&expected));
}

#[test]
fn every_builtin_has_instances_in_the_default_parameters_of_layout_dynamic() {
    let used = Use::default();
    let tasks = by_poseidon(vec![every_builtin(&used), modular(&used)]);
    let params = default_dynamic_params();
    let input = run_dynamic(Executable::Tasks(&tasks), &params, &RunOptions::default()).expect("a run");
    let layout = Layout::of(&input.public).expect("a layout");
    for supply in layout.builtins() {
        let used = used_cells(&input, supply.name);
        assert!(used > 0, "{}", supply.name);
    }
    output(&input);
}

/// The default parameters make at least 65,536 steps, too many for the first tier.
#[test]
fn a_job_is_proved_with_the_default_parameters_of_layout_dynamic() {
    let log_steps = 16;
    if !is_slow_tier() {
        return;
    }
    let tasks = by_poseidon(vec![fibonacci()]).under(Bootloader::Short);
    let run = run_dynamic(
        Executable::Tasks(&tasks),
        &default_dynamic_params(),
        &RunOptions::default(),
    );
    let input = run.expect("a run");
    assert_eq!(input.public.n_steps, 1 << log_steps);
    let parameters = Profile::by_name("dev").and_then(|dev| dev.parameters(1 << log_steps, 30));
    let parameters = parameters.expect("parameters");
    let statement = Statement::new(&input.public, &parameters).expect("a statement");
    let proof = prove(&cpu(None), &statement, &input, &ProveOptions::default()).expect("a proof");
    let verifier = Verifier::new(statement).expect("a verifier");
    let verified = verifier.verify(&proof.bytes, &Expectation::any());
    assert!(verified.is_ok(), "{:?}", verified.err());
}

#[test]
fn what_cannot_be_run_is_said() {
    let tasks = simple(vec![fibonacci()]);
    let said = |layout: &str, tasks: &Tasks| run_in(layout, tasks).expect_err("a refusal").to_string();
    assert_eq!(
        said("plain", &tasks),
        "the bootloader needs the builtin 'output', which layout 'plain' does not have"
    );
    assert_eq!(
        said("small", &tasks.clone().hashed_by(Some(HashFunction::Poseidon))),
        "the bootloader, which hashes the programs by poseidon, needs the builtin 'poseidon', which layout 'small' does \
         not have"
    );
    let program = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/collatz/program.json"));
    let program = program.expect("an example");
    let no_bootloader =
        run_in("small", &tasks.clone().under(Bootloader::Own(program.clone()))).expect_err("a refusal");
    assert!(
        matches!(no_bootloader, RunError::BootloaderHint { .. }),
        "{no_bootloader}"
    );
    let mut without_hints: Value = serde_json::from_slice(&program).expect("JSON");
    without_hints["hints"] = json!({});
    let without_hints = without_hints.to_string().into_bytes();
    let no_label =
        run_in("small", &tasks.clone().under(Bootloader::Own(without_hints))).expect_err("a refusal");
    assert!(matches!(no_label, RunError::NotABootloader(_)), "{no_label}");
    let no_program = run_in("small", &tasks.under(Bootloader::Own(b"{}".to_vec()))).expect_err("a refusal");
    assert!(matches!(no_program, RunError::Program(_)), "{no_program}");
}

/// A run that the program did not do is not proved, whatever of its memory is wrong, and the machine does not panic.
#[test]
fn a_pie_that_lies_fails() {
    let pie = fibonacci();
    let fails = |lie: CairoPie, what: &str| {
        let error = run_in("small", &simple(vec![lie])).expect_err(what);
        let is_failure = matches!(error, RunError::Failed { .. } | RunError::Machine(_));
        let error = error.to_string();
        assert!(is_failure && !error.contains("panicked"), "{what}: {error}");
        error
    };
    let mut errors = Vec::new();
    for (i, ((segment, offset), value)) in pie.memory.0.iter().enumerate().step_by(5) {
        let what = format!("{segment}:{offset}");
        let lies: [MaybeRelocatable; 3] = [
            match value {
                MaybeRelocatable::Int(value) => (*value + 1u64).into(),
                MaybeRelocatable::RelocatableValue(_) => MaybeRelocatable::from(0),
            },
            MaybeRelocatable::from((4, 1)),
            MaybeRelocatable::from((1000, 0)),
        ];
        for value in lies {
            let mut lie = pie.clone();
            lie.memory.0[i].1 = value;
            errors.push(fails(lie, &what));
        }
    }
    for place in ["of the bootloader: ", "of task 0: "] {
        assert!(
            errors.iter().any(|error| error.contains(place)),
            "{place} {errors:?}"
        );
    }
    // Metadata that `pie::read` refuses: nothing here relies on it.
    let mut lie = pie.clone();
    lie.metadata
        .builtin_segments
        .values_mut()
        .for_each(|segment| segment.size += 1);
    assert!(fails(lie, "sizes").contains("but its PIE says that it used 3 cells"));
    let mut lie = pie.clone();
    lie.metadata.builtin_segments.clear();
    assert!(fails(lie, "no segments").contains("has no segment of 'output'"));
    let mut lie = pie.clone();
    lie.metadata.ret_pc_segment = lie.metadata.ret_fp_segment.clone();
    assert!(fails(lie, "the same segment").contains("twice"));
    let mut lie = pie;
    lie.metadata.program.main = usize::MAX;
    fails(lie, "main");
}
