//! Bootloaders of layouts: the hash of one does not cover its builtins.

use super::*;
use crate::cairo::runner::{Executable, RunOptions, run};
use quarry_tasks::bootloader::{Bootloader, Tasks};
use quarry_tasks::pie::{self, PieLimits};
use serde_json::Value;

const LAYOUT: &str = "recursive_with_poseidon";

/// The bootloader of the layouts with these builtins.
fn program(builtins: &[&str]) -> Value {
    let segments = [&["program", "execution"], builtins].concat();
    serde_json::from_slice(&Bootloader::Layout.program(&segments)).expect("JSON")
}

/// A run of a task under a bootloader.
fn under(bootloader: Bootloader) -> (PublicInput, Run) {
    let pie = include_bytes!("../../../../tasks/tests/data/fibonacci_pie.zip");
    let pie = pie::read(pie, &PieLimits::default()).expect("a PIE");
    let tasks = Tasks::new(vec![pie]).under(bootloader);
    let input = run(Executable::Tasks(&tasks), LAYOUT, &RunOptions::default()).expect("a run");
    let layout = Layout::of(&input.public).expect("a layout");
    let run = Run::of(&input.public, &layout);
    (input.public, run)
}

/// A gate for the output of a task. Its program's hash may be of either kind.
fn gate() -> Expectation {
    let output = Some([1u64, 89].map(Felt::from).to_vec());
    let program_hash = None;
    Expectation {
        task: Some(ExpectedTask { program_hash, output }),
        ..Expectation::any()
    }
}

#[test]
fn a_task_of_a_known_bootloader_needs_no_further_statement() {
    let of = under(Bootloader::Layout);
    let claim = check(&gate(), &of).expect("the task");
    assert_eq!(claim.builtins_binding, Binding::List);
    assert_eq!(
        claim.bootloaded.expect("tasks").bootloader,
        Some("Quarry's bootloader for recursive_with_poseidon and recursive_large_output")
    );
}

/// The bootloader of a layout with as many builtins, but others. A task that takes `ecdsa` gets `bitwise` from it.
#[test]
fn a_bootloader_in_a_layout_with_other_builtins_is_not_trusted() {
    let own = program(&["output", "pedersen", "range_check", "bitwise", "poseidon"]);
    let mut other = program(&["output", "pedersen", "range_check", "ecdsa", "bitwise"]);
    let words = other["data"].as_array().expect("words").iter();
    let words: Vec<_> = words
        .map(|word| felt::from_hex(word.as_str().expect("a word")).expect("a word"))
        .collect();
    let hash = ProgramHash::of(&words).to_hex();
    other["builtins"] = own["builtins"].clone();
    let of = under(Bootloader::Own(other.to_string().into_bytes()));
    assert!(RunMode::Strict.takes(&of.1), "the run itself is a whole one");

    let claim = check(&Expectation::any(), &of).expect("no expectation");
    assert_eq!(claim.builtins_binding, Binding::Unbound);
    assert_eq!(claim.bootloaded.expect("tasks").bootloader, None);
    let error = check(&gate(), &of).expect_err("no known bootloader");
    assert!(matches!(error, Mismatch::UnknownBootloader { .. }), "{error}");
    let stated = Expectation {
        bootloader_hash: felt::from_hex(&hash[0]),
        layout: Some(LAYOUT.to_owned()),
        ..gate()
    };
    let error = check(&stated, &of).expect_err("the builtins of another layout");
    assert!(matches!(error, Mismatch::Builtins(_)), "{error}");
}

/// The output of a wrapped proof is `[1, size, hash of the Cairo verifier, hash of the inner program, inner output..]`. A
/// gate states both hashes. Here another task stands for the Cairo verifier, with what such a verifier prints.
#[test]
fn a_gate_on_a_wrapped_proof_needs_both_hashes() {
    let (mut statement, run) = under(Bootloader::Layout);
    let verifier = run.bootloaded.expect("tasks").tasks[0].program_hash;
    let [inner, other] = [u128::MAX, u128::MAX - 1].map(Felt::from);
    let begin = statement.segment("output").expect("the output").begin_addr;
    let cell = statement
        .public_memory
        .iter_mut()
        .find(|cell| cell.address == begin + 3);
    cell.expect("the first word of the task's output").value = inner;
    let run = Run::of(&statement, &Layout::of(&statement).expect("a layout"));
    let of = (statement, run);
    let gate = |verifier: Felt, output: &[Felt]| {
        let task = ExpectedTask {
            program_hash: Some(verifier),
            output: Some(output.to_vec()),
        };
        let expectation = Expectation {
            run: RunMode::Strict,
            task: Some(task),
            ..Expectation::any()
        };
        check(&expectation, &of)
    };
    let of_inner = Felt::from(89u64);
    gate(verifier, &[inner, of_inner]).expect("both hashes and the output");
    for (what, wrong) in [
        ("the inner program", gate(verifier, &[other, of_inner])),
        ("the inner output", gate(verifier, &[inner, other])),
        ("more output", gate(verifier, &[inner, of_inner, other])),
        ("no inner program", gate(verifier, &[of_inner])),
        ("the Cairo verifier", gate(other, &[inner, of_inner])),
    ] {
        assert!(matches!(wrong, Err(Mismatch::Task(_))), "{what}");
    }
}
