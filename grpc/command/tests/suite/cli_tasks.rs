//! `prove`, `check` and `inspect` with Cairo PIEs.

use crate::common::Folder;
use crate::common::pie::secretive;
use std::fs;
use std::path::Path;

const CASE: &str = "small/pie";

/// A folder with the golden case of a PIE, and the PIE.
fn folder() -> Folder {
    let folder = Folder::with_case(CASE);
    let pie = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data/fibonacci_pie.zip");
    folder.write("pie.zip", fs::read(pie).expect("a PIE"));
    folder
}

const BOOTLOADER: &str = "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2";

/// The inputs of the golden case give Stone's proof (`golden::prove`), so here the proof has few bits and no work.
#[test]
fn a_pie_gives_the_golden_inputs_and_a_claim_that_holds() {
    let folder = folder();
    let mut parameters = folder.json("params_base.json");
    parameters["stark"]["log_n_cosets"] = 1.into();
    parameters["stark"]["fri"]["proof_of_work_bits"] = 0.into();
    folder.write("params.json", parameters.to_string());
    folder
        .quarry(&format!(
            "prove --pie pie.zip --bootloader simple --layout small --parameter_file params.json --expect-bootloader-hash {BOOTLOADER} \
             --write-inputs inputs --out proof.json"
        ))
        .exits(0);
    for name in ["trace.bin", "memory.bin"] {
        let [written, golden] =
            [format!("inputs/{name}"), name.to_owned()].map(|name| fs::read(folder.file(&name)));
        assert!(written.expect("a file") == golden.expect("a file"), "{name}");
    }
    let inspected = folder.quarry("inspect pie.zip --json").exits(0).json();
    let hash = inspected["program_hash"]["pedersen"].as_str().expect("a hash");
    let claim = folder
        .quarry(&format!(
            "verify proof.json --run relaxed --min-security-bits 0 --expect-bootloader-hash {BOOTLOADER} \
             --expect-task-program-hash {hash} --expect-output 1,4,{hash},1,89 --json"
        ))
        .exits(0)
        .json();
    assert_eq!(claim["bootloaded"]["tasks"][0]["program_hash"], hash);
}

#[test]
fn several_pies_are_checked_together_under_a_bootloader_of_the_callers() {
    let folder = folder();
    let bootloader =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/resources/simple_bootloader.json");
    folder.write("bootloader.json", fs::read(bootloader).expect("a bootloader"));
    folder
        .quarry(&format!(
            "check --pie pie.zip --pie pie.zip --layout small --bootloader bootloader.json \
             --expect-bootloader-hash {BOOTLOADER}"
        ))
        .exits(0)
        .says(&["constraints hold"]);
}

/// The default bootloader declares exactly the layout's builtins, so the gate needs to state nothing about it.
#[test]
fn a_proof_under_the_layouts_bootloader_is_one_for_strict_verifiers() {
    let folder = folder();
    let mut parameters = folder.json("params_base.json");
    parameters["stark"]["log_n_cosets"] = 1.into();
    parameters["stark"]["fri"]["proof_of_work_bits"] = 0.into();
    folder.write("params.json", parameters.to_string());
    folder
        .quarry("prove --pie pie.zip --layout small --parameter_file params.json --out proof.json")
        .exits(0);
    let claim = folder
        .quarry("verify proof.json --run strict --min-security-bits 0 --expect-task-output 1,89 --json")
        .exits(0)
        .json();
    assert_eq!(claim["builtins_binding"], "list");
    assert_eq!(
        claim["bootloaded"]["bootloader"],
        "Quarry's bootloader for small, dex and perpetual"
    );
    let facts = folder
        .quarry("facts proof.json --min-security-bits 0 --json")
        .exits(0)
        .json();
    assert_eq!(facts["mode"], "strict", "{facts}");
}

#[test]
fn layout_and_hash_function_are_explained_together() {
    let folder = folder();
    let explained = folder
        .quarry("prove --pie pie.zip --explain --json --profile integrity-stone6-keccak160")
        .exits(0)
        .json();
    let candidates = explained["candidates"].as_array().expect("a list");
    let of = |name: &str| {
        candidates
            .iter()
            .find(|it| it["layout"] == name)
            .expect("a layout")
    };
    assert_eq!(of("recursive")["program_hash_function"], "pedersen");
    assert_eq!(explained["layout"], candidates[0]["layout"]);
    assert!(of("plain")["refused"].is_string());
    let text = folder
        .quarry("prove --pie pie.zip --explain --program-hash-function poseidon")
        .exits(0);
    let why =
        "hashes the programs by poseidon, needs the builtin 'poseidon', which layout 'small' does not have";
    assert!(
        text.stdout.contains(why) && text.stdout.contains("poseidon"),
        "{}",
        text.stdout
    );
}

#[test]
fn parameters_of_layout_dynamic_are_searched_and_explained() {
    let folder = folder();
    folder
        .quarry("dynamic-params --pie pie.zip --out dynamic.json")
        .exits(0);
    let shown = folder
        .quarry("prove --pie pie.zip --dynamic-params dynamic.json --profile stone --plan --json")
        .exits(0)
        .json();
    let found = folder
        .quarry("dynamic-params --pie pie.zip --json")
        .exits(0)
        .json();
    assert_eq!(found["dynamic_params"], folder.json("dynamic.json"));
    assert_eq!(found["decided_by"], "pools");
    assert!(found["cheaper"].is_null(), "{found}");
    assert_eq!(shown["n_steps"], found["n_steps"], "{shown}");
}

#[test]
fn a_search_of_parameters_takes_no_layout() {
    let folder = folder();
    for option in ["--layout small", "--dynamic-params dynamic.json"] {
        let ran = folder
            .quarry(&format!("dynamic-params --pie pie.zip {option}"))
            .exits(2);
        ran.says(&["--layout", "--dynamic-params", "leave them out"]);
    }
}

#[test]
fn what_a_proof_of_a_pie_costs_is_shown_with_it() {
    let folder = folder();
    let explained = folder
        .quarry("prove --pie pie.zip --explain --json")
        .exits(0)
        .json();
    let inspected = folder.quarry("inspect pie.zip --cost --json").exits(0).json();
    assert_eq!(inspected["cost"], explained);
    assert_eq!(inspected["claimed_steps"], 89);
    let small = explained["candidates"].as_array().expect("a list");
    let small = small.iter().find(|it| it["layout"] == "small").expect("small");
    assert_eq!(small["run_mode"], "strict");
    assert!(small["run_steps"].as_u64() < small["n_steps"].as_u64(), "{small}");
    let planned = folder
        .quarry("prove --pie pie.zip --layout small --plan --device cpu --json")
        .exits(0)
        .json();
    assert_eq!(small["memory_bytes"], planned["peak_bytes"], "{small}");

    let text = folder.quarry("inspect pie.zip --cost").exits(0).stdout;
    for part in [
        "89 (as the PIE",
        "decided by",
        "memory",
        "Integrity mode",
        "the cheapest usable",
    ] {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
    let of_others = folder.quarry("inspect public_input.json --cost").exits(2);
    of_others.says(&["--cost", "--explain"]);
}

/// All but the cost is known of a PIE that does not run.
#[test]
fn a_pie_that_does_not_run_is_shown_with_the_error() {
    let folder = Folder::new();
    folder.write("pie.zip", secretive(8).zip());
    let known = folder.quarry("inspect pie.zip --json").exits(0).json();
    let failed = folder.quarry("inspect pie.zip --cost --json").exits(2).json();
    assert_eq!(failed["error"]["details"], known);
    let without_cost = folder.quarry("inspect pie.zip").exits(0).stdout;
    let (known, _) = without_cost.split_once("cost").expect("a row");
    let failed = folder.quarry("inspect pie.zip --cost").exits(2);
    assert_eq!(failed.stdout, known);
    failed.says(&["error: 'pie.zip': the program failed", "of task 0"]);
}

#[test]
fn a_pie_runs_in_layout_dynamic_without_parameters_of_the_callers() {
    let folder = folder();
    let planned = folder
        .quarry("prove --pie pie.zip --layout dynamic --profile stone --plan --json")
        .exits(0)
        .json();
    assert_eq!(planned["layout"], "dynamic");
}

#[test]
fn a_pie_is_inspected() {
    let shown = folder().quarry("inspect pie.zip").exits(0).stdout;
    for text in [
        "--cost",
        "54 words",
        "(Pedersen",
        "(Poseidon",
        "output (2 cells)",
        "89 (as the PIE says",
        "89\n",
    ] {
        assert!(shown.contains(text), "'{text}' is not in: {shown}");
    }
}

#[test]
fn what_cannot_be_proved_is_said() {
    let folder = folder();
    folder.write(
        "half.zip",
        &fs::read(folder.file("pie.zip")).expect("a PIE")[..900],
    );
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover-core/examples/collatz/program.json");
    folder.write("program.json", fs::read(program).expect("an example"));
    for (line, said) in [
        (
            "--pie pie.zip --layout plain",
            "the bootloader needs the builtin 'output', which layout 'plain' does not have",
        ),
        (
            "--pie pie.zip --layout huge",
            "unknown layout 'huge'; known are plain, small, dex,",
        ),
        ("--pie pie.zip --layout huge", "starknet_with_keccak, dynamic"),
        (
            "--pie pie.zip --layout small --program-hash-function poseidon",
            "hashes the programs by poseidon, needs the builtin 'poseidon'",
        ),
        (
            "--pie pie.zip --program-hash-function blake",
            "expected one of auto, pedersen, poseidon",
        ),
        (
            "--pie pie.zip --layout small --expect-bootloader-hash 0x1",
            "the bootloader has the hash 0x",
        ),
        (
            "--pie pie.zip --bootloader program.json --expect-bootloader-hash 0x1",
            "'program.json': the bootloader has",
        ),
        (
            "--pie pie.zip --bootloader program.json --layout small",
            "'program.json': the hint at pc",
        ),
        (
            "--pie pie.zip --bootloader pie.zip --layout small",
            "'pie.zip': this is a Cairo PIE, not a compiled Cairo 0 program",
        ),
        ("--pie half.zip", "'half.zip': "),
        ("--pie program.json", "not a Cairo PIE"),
        ("--pie none.zip", "none.zip"),
        ("program.json --pie pie.zip", "--pie"),
        ("program.json --bootloader program.json", "--bootloader"),
        ("--pie pie.zip --input program.json", "--input"),
        (
            "--pie pie.zip --layout small --step-limit 100",
            "did not end within 100 steps",
        ),
    ] {
        folder.quarry(&format!("check {line}")).exits(2).says(&[said]);
    }
    folder.quarry("inspect half.zip").exits(2).says(&["half.zip"]);
}

/// A full disk is no fault of the file.
#[cfg(target_os = "linux")]
#[test]
fn a_pie_that_cannot_be_shown_is_an_internal_error() {
    let folder = folder();
    folder.write("out", "");
    std::fs::remove_file(folder.file("out")).expect("a file");
    std::os::unix::fs::symlink("/dev/full", folder.file("out")).expect("a link");
    for more in ["", "--json"] {
        let full = fs::OpenOptions::new().write(true).open(folder.file("out"));
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_quarry"))
            .args(["inspect", "pie.zip"])
            .args(more.split_whitespace())
            .current_dir(folder.path())
            .stdout(full.expect("a device"))
            .status();
        assert_eq!(status.expect("a run").code(), Some(1), "{more}");
    }
}
