//! Programs as tasks, the hash function of each task, and pages of the output.

use super::{HASHES, felts, fibonacci, of_fibonacci, output, run_in};
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::runner::{RunError, RunOptions, run_to_pie};
use quarry_prover_core::inspect::inspect_pie;
use quarry_tasks::bootloader::{Bootloader, HashFunction, Task, Tasks};
use quarry_tasks::pie::{self, PieLimits};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data");
    fs::read(folder.join(name)).expect("a file")
}

fn pie(name: &str) -> CairoPie {
    pie::read(&file(name), &PieLimits::default()).expect("a PIE")
}

/// The run of the small program with its input.
fn squares(name: &str) -> CairoPie {
    let input: Value = serde_json::from_slice(&file("squares_input.json")).expect("JSON");
    run_to_pie(&file(name), Some(&input), &RunOptions::default()).expect("a run")
}

#[test]
fn a_program_is_the_task_that_cairo_run_makes_of_it() {
    let [ours, theirs] = [squares("squares.json"), pie("squares_pie.zip")]
        .map(|pie| run_in("small", &Tasks::new(vec![pie])).expect("a run"));
    assert!(ours == theirs, "our PIE and that of cairo-run give other inputs");
    assert_eq!(output(&ours)[3..], felts(&[385, 100]));
}

/// The start section that `--proof_mode` adds is part of the program, but `main` alone runs.
#[test]
fn a_program_in_proof_mode_is_another_program_with_the_same_output() {
    let [plain, proof_mode] =
        ["squares.json", "squares_proof_mode.json"].map(|name| inspect_pie(&squares(name)));
    assert_eq!(plain.output, Some(felts(&[385, 100])));
    assert_eq!(plain.output, proof_mode.output);
    assert_eq!(plain.claimed_steps, proof_mode.claimed_steps);
    assert_eq!([plain.program_words, proof_mode.program_words], [72, 78]);
    assert_ne!(plain.program_hash, proof_mode.program_hash);
}

#[test]
fn what_cannot_be_a_task_is_said() {
    let program: Value = serde_json::from_slice(&file("squares.json")).expect("JSON");
    let input = json!({ "n": 10 });
    let run = |program: &Value, input, max_steps| {
        let options = RunOptions {
            max_steps,
            ..RunOptions::default()
        };
        run_to_pie(program.to_string().as_bytes(), input, &options).expect_err("a refusal")
    };
    assert!(matches!(run(&program, None, 1000), RunError::ProgramInput { .. }));
    assert!(matches!(run(&program, Some(&input), 10), RunError::StepLimit(10)));
    let zero = json!({ "n": 0 });
    assert!(matches!(
        run(&program, Some(&zero), 1000),
        RunError::Failed { .. }
    ));
    let mut other = program.clone();
    other["builtins"] = json!(["output", "segment_arena"]);
    assert_eq!(
        run(&other, None, 1000).to_string(),
        "the program uses the builtin 'segment_arena', which bootloaders do not have"
    );
    let mut other = program;
    for hints in other["hints"].as_object_mut().expect("hints").values_mut() {
        hints[0]["code"] = json!("import os");
    }
    let said = run(&other, None, 1000).to_string();
    assert!(said.contains("--cairo_pie_output"), "{said}");
}

#[test]
fn each_task_may_state_the_hash_function_of_its_program() {
    let by = |hash_function| Task {
        pie: fibonacci(),
        hash_function,
    };
    let [pedersen, poseidon] = HashFunction::ALL.map(Some);
    // The same program twice, with another hash: the second is hashed again.
    let tasks = Tasks::of(vec![by(pedersen), by(poseidon), by(None), by(None)]).hashed_by(pedersen);
    let all = output(&run_in("starknet_with_keccak", &tasks).expect("a run"));
    let of = HASHES.map(of_fibonacci);
    let expected = [&felts(&[4]), &of[0][..], &of[1], &of[0], &of[0]].concat();
    assert_eq!(all, expected);
    let error = run_in("small", &Tasks::of(vec![by(pedersen), by(poseidon)])).expect_err("no Poseidon");
    assert_eq!(
        error.to_string(),
        "the bootloader, which hashes the program of task 1 by poseidon, needs the builtin 'poseidon', which layout \
         'small' does not have"
    );
}

/// Each task has pages of its own, from 1; the bootloader's words are on page 0. The bootloader is the simple one, which
/// alone has pages.
#[test]
fn the_output_is_split_into_the_pages_of_the_tasks() {
    let tasks = Tasks::new(vec![fibonacci(), pie("paged_pie.zip")]);
    let whole = run_in("small", &tasks.clone().under(Bootloader::Simple)).expect("a run");
    let paged = run_in("small", &tasks.on_pages(true)).expect("a run");
    assert_eq!(output(&paged), output(&whole));
    assert_eq!((&paged.trace, &paged.memory), (&whole.trace, &whole.memory));
    let begin = paged.public.memory_segments["output"].begin_addr;
    let of_page = |page: u64| -> Vec<u64> {
        let cells = paged.public.public_memory.iter();
        let cells = cells.filter(|cell| cell.page == page);
        let offsets = cells.filter_map(|cell| cell.address.checked_sub(begin));
        offsets.collect()
    };
    // [2, 4, hash, 1, 89, 8, hash, 1000, 11, 22, 33, 44, 55]
    let pages = [0, 1, 2, 3, 4, 5].map(of_page);
    assert_eq!(pages[0], [0, 1, 2, 5, 6]);
    assert_eq!(
        pages[1..],
        [vec![3, 4], vec![7], vec![8, 9], vec![10, 11, 12], vec![]]
    );
    let hash = felt::from_hex("0x1b330bc50af9147c525a94fdc95eecff411cd10fb77836f5f317e35bde885de");
    assert_eq!(output(&paged)[6], hash.expect("a hash"));
    assert_eq!(output(&paged)[7], Felt::from(1000u64));
}
