//! Tests what proofs show, for every form of run that Stone proves, and which expectations accept them.

use crate::common::proving::cpu;
use crate::common::repository_row;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::{Form, RunMode};
use quarry_prover_core::cairo::runner::{Executable, RunError, RunOptions, run};
use quarry_prover_core::claim::{Binding, Verified};
use quarry_prover_core::expectation::{Expectation, ExpectedTask, Mismatch};
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::parameters::{Parameters, StoneVersion};
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::prover::{ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Recording, VerifyError, verify_file};
use serde_json::json;
use std::fs;
use std::path::Path;

fn program(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/programs");
    fs::read_to_string(folder.join(name)).expect("a program of the repository")
}

fn stones_proof(case: &str) -> ProofFile {
    let text = repository_row(&format!("small/{case}/base")).proof_file();
    ProofFile::parse(&text.expect("its proof is kept")).expect("a proof file")
}

fn check(file: &ProofFile, expectation: &Expectation) -> Result<Verified, Mismatch> {
    let outcome = verify_file(file, None, expectation, Recording::Nothing).expect("a statement");
    outcome.result.map_err(|error| match error {
        VerifyError::Unexpected(mismatch) => mismatch,
        error => panic!("the proof does not hold: {error}"),
    })
}

fn mode(run: RunMode) -> Expectation {
    Expectation {
        run,
        ..Expectation::any()
    }
}

fn names(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|&name| name.to_owned()).collect())
}

/// A proof of a bytecode that range-checks 2^200, run with the Pedersen builtin where it expects the range check's.
fn swapped_proof() -> ProofFile {
    let params_file = json!({
        "field": "PrimeField0", "use_extension_field": false,
        "stark": { "log_n_cosets": 2, "fri": {
            "fri_step_list": [0, 4], "last_layer_degree_bound": 512, "n_queries": 4, "proof_of_work_bits": 0 } },
    });
    let input = run(
        Executable::program(program("swapped.json").as_bytes(), None),
        "small",
        &RunOptions::default(),
    )
    .expect("it runs");
    let params = Parameters::from_json(&params_file).expect("parameters");
    let statement = Statement::new(&input.public, &params).expect("a statement");
    let proof = prove(&cpu(None), &statement, &input, &ProveOptions::default()).expect("a proof");
    ProofFile {
        proof: proof.bytes,
        statement: input.public,
        parameters: params,
        stone_version: None,
        n_annotations: 0,
    }
}

#[test]
fn a_program_hash_alone_is_no_gate() {
    let honest = run(
        Executable::program(program("honest.json").as_bytes(), None),
        "small",
        &RunOptions::default(),
    );
    assert!(
        matches!(honest, Err(RunError::Failed { .. })),
        "2^200 is out of range"
    );
    let file = swapped_proof();
    let claim = check(&file, &mode(RunMode::Whole)).expect("it holds, and claims no program");
    assert_eq!(claim.builtins_binding, Binding::Unbound);
    let output = claim.output.expect("public");
    assert_eq!(
        output[0],
        felt::from_hex("0x100000000000000000000000000000000000000000000000000").expect("2^200")
    );

    let [honest, swapped] = ["honest.json", "swapped.json"]
        .map(|name| CompiledProgram::parse(&program(name)).expect("a program"));
    assert_eq!(honest.hash(), swapped.hash(), "one bytecode");
    let gate = Expectation {
        program_hash: Some(honest.hash()),
        output: Some(output),
        ..mode(RunMode::Whole)
    };
    assert!(matches!(check(&file, &gate), Err(Mismatch::Unbound { .. })));
    let with = |builtins| Expectation {
        builtins,
        ..gate.clone()
    };
    assert!(matches!(
        check(&file, &with(Some(honest.builtins))),
        Err(Mismatch::Builtins(_))
    ));
    let claim = check(&file, &with(Some(swapped.builtins))).expect("the list that it was");
    assert_eq!(claim.builtins_binding, Binding::List);
    // The layout determines nothing if main has fewer builtins than the layout.
    let in_layout = Expectation {
        layout: Some("small".to_owned()),
        ..gate.clone()
    };
    assert!(matches!(check(&file, &in_layout), Err(Mismatch::Unbound { .. })));
    let strict = Expectation {
        run: RunMode::Strict,
        ..gate
    };
    assert!(matches!(check(&file, &strict), Err(Mismatch::Run { .. })));
}

#[test]
fn a_cairo_1_run_is_proved_and_shows_no_program() {
    let file = stones_proof("entry_without_ap");
    for run in [RunMode::Whole, RunMode::Strict, RunMode::Relaxed] {
        let refused = check(&file, &mode(run));
        assert!(matches!(
            refused,
            Err(Mismatch::Run {
                form: Form::Cairo1,
                taken_by: RunMode::Cairo1,
                ..
            })
        ));
    }
    for run in [RunMode::Cairo1, RunMode::Any] {
        let claim = check(&file, &mode(run)).expect("taken");
        // Integrity does not support layout plain.
        assert_eq!((claim.run, claim.run_modes), (Form::Cairo1, vec![]));
        assert_eq!((claim.builtins, claim.builtins_binding), (None, Binding::Unbound));
    }
    let gates = [
        Expectation {
            program_hash: Some(Felt::from(1u64)),
            ..mode(RunMode::Cairo1)
        },
        Expectation {
            output: Some(vec![]),
            ..mode(RunMode::Cairo1)
        },
        Expectation {
            builtins: names(&[]),
            ..mode(RunMode::Any)
        },
    ];
    for gate in gates {
        assert!(
            matches!(check(&file, &gate), Err(Mismatch::NotShown { .. })),
            "{gate:?}"
        );
    }
}

#[test]
fn a_builtin_that_the_layout_lacks_is_named_by_the_caller() {
    let file = stones_proof("missing_builtin");
    assert!(matches!(
        check(&file, &mode(RunMode::Whole)),
        Err(Mismatch::Run {
            taken_by: RunMode::Relaxed,
            ..
        })
    ));
    let claim = check(&file, &mode(RunMode::Relaxed)).expect("relaxed");
    let seen = claim.builtins.expect("a whole run");
    assert_eq!((seen.len(), &seen[0].name, seen[0].in_layout), (1, &None, false));
    let [pedersen, _] = claim.program_hash.expect("public").to_hex();
    let gate = |builtins| Expectation {
        program_hash: felt::from_hex(&pedersen),
        builtins,
        ..mode(RunMode::Relaxed)
    };
    assert!(matches!(check(&file, &gate(None)), Err(Mismatch::Unbound { .. })));
    check(&file, &gate(names(&["range_check"]))).expect("any builtin that layout plain lacks");
    assert!(matches!(
        check(&file, &gate(names(&[]))),
        Err(Mismatch::Builtins(_))
    ));
}

#[test]
fn a_bootloaders_tasks_are_shown_and_gated() {
    let file = stones_proof("pie");
    let claim = check(&file, &mode(RunMode::Relaxed)).expect("relaxed");
    assert_eq!(
        (claim.run, claim.builtins_binding),
        (Form::Bootloaded, Binding::Number)
    );
    let bootloaded = claim.bootloaded.expect("tasks");
    assert_eq!(
        bootloaded.bootloader,
        Some("StarkWare's simple bootloader 0.15.0")
    );
    // StarkWare's fibonacci_pie: its program's hash and its output, as the bootloader wrote them.
    let hash = felt::from_hex("0x931813b5c14b9b8b8d9f44bc542445105de0c7e1c7a5a83b7e40ca0b096975");
    assert_eq!(bootloaded.tasks.len(), 1);
    assert_eq!(Some(bootloaded.tasks[0].program_hash), hash);
    let [pedersen, poseidon] = claim.program_hash.expect("public").to_hex();

    let output = Some([1u64, 89].map(Felt::from).to_vec());
    let task = |program_hash, output: Option<Vec<Felt>>| Expectation {
        task: Some(ExpectedTask { program_hash, output }),
        ..mode(RunMode::Relaxed)
    };
    for gate in [
        task(hash, None),
        task(None, output.clone()),
        task(hash, output.clone()),
    ] {
        check(&file, &gate).expect("its task, under a bootloader that is known");
    }
    for gate in [
        task(Some(Felt::from(7u64)), None),
        task(hash, Some(vec![])),
        task(None, Some(vec![])),
    ] {
        assert!(matches!(check(&file, &gate), Err(Mismatch::Task(_))), "{gate:?}");
    }
    for bootloader in [pedersen, poseidon] {
        let gate = Expectation {
            bootloader_hash: felt::from_hex(&bootloader),
            ..task(hash, output.clone())
        };
        check(&file, &gate).expect("the bootloader, in both forms");
    }
    let other = Expectation {
        bootloader_hash: hash,
        ..mode(RunMode::Relaxed)
    };
    assert!(matches!(check(&file, &other), Err(Mismatch::Program { .. })));
}

#[test]
fn tasks_of_an_unknown_program_are_claims() {
    let file = swapped_proof();
    let gate = Expectation {
        task: Some(ExpectedTask::default()),
        ..mode(RunMode::Whole)
    };
    assert!(matches!(check(&file, &gate), Err(Mismatch::NoTasks)));
}

#[test]
fn both_forms_of_the_public_input_are_tried() {
    let mut file = stones_proof("pie");
    let claim = check(&file, &Expectation::any()).expect("it holds");
    assert_eq!(claim.stone_version, "stone6");
    file.stone_version = Some(StoneVersion::Stone5);
    let outcome = verify_file(&file, None, &Expectation::any(), Recording::Nothing).expect("a statement");
    outcome.result.expect_err("the file says another form");
}
