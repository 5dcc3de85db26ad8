//! The layout chosen for a program is the cheapest usable one.

use cairo_vm::types::relocatable::MaybeRelocatable;
use quarry_prover_core::cairo::runner::{Executable, RunError, RunOptions};
use quarry_prover_core::choice::{Choice, ChoiceError, choose};
use quarry_prover_core::plan::PlannedParameters;
use quarry_prover_core::profiles::Profile;
use quarry_tasks::bootloader::{HashFunction, Tasks};
use quarry_tasks::pie::{self, PieLimits};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A program of the repository's examples, with its input.
struct Example(&'static str);

impl Example {
    fn read(&self, file: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(self.0);
        fs::read(folder.join(file)).expect("an example")
    }

    fn choose(&self, profile: &str, max_steps: usize) -> Result<Choice, ChoiceError> {
        let profile = Profile::by_name(profile).expect("a profile");
        let input: Value = serde_json::from_slice(&self.read("input.json")).expect("JSON");
        let options = RunOptions {
            max_steps,
            ..RunOptions::default()
        };
        let parameters = PlannedParameters::Profile(profile, 96);
        let program = self.read("program.json");
        choose(Executable::program(&program, Some(&input)), &options, &parameters)
    }
}

/// Uses no builtin.
const CUBES: Example = Example("cubes");
/// Uses output, pedersen and range_check.
const COLLATZ: Example = Example("collatz");

#[test]
fn the_cheapest_layout_that_serves() {
    let choice = CUBES.choose("stone", 1 << 20).expect("a choice");
    let candidates = &choice.candidates;
    assert_eq!(
        (candidates[0].layout, choice.input.public.layout.as_str()),
        ("plain", "plain")
    );
    let costs: Vec<_> = candidates.iter().filter_map(|c| c.cost.as_ref()).collect();
    assert!(costs.is_sorted_by(|a, b| a.multiplications <= b.multiplications));
    assert_eq!(costs[0].n_columns, [6, 2, 2]);
    for candidate in candidates {
        assert_ne!(
            candidate.cost.is_some(),
            candidate.refused.is_some(),
            "{candidate:?}"
        );
    }
}

#[test]
fn what_is_against_a_layout_is_said() {
    let profile = "integrity-stone6-keccak160";
    let choice = COLLATZ.choose(profile, 1 << 20).expect("a choice");
    let find = |name: &str| {
        let mut candidates = choice.candidates.iter();
        candidates.find(|c| c.layout == name).expect("a layout")
    };
    let refused = |name: &str| find(name).refused.clone().expect("a reason");
    assert!(
        refused("plain").contains("does not support it"),
        "{}",
        refused("plain")
    );
    let small = find("small");
    assert!(small.profiles.contains(&profile) && small.cost.is_some());
    assert_eq!(choice.input.public.layout, choice.candidates[0].layout);

    let choice = COLLATZ.choose("stone", 1 << 20).expect("a choice");
    let plain = choice.candidates.iter().find(|c| c.layout == "plain");
    let why = plain.and_then(|c| c.refused.as_deref());
    assert_eq!(why, Some("it lacks output, pedersen, range_check"));
}

#[test]
fn nothing_to_choose() {
    // A settlement proof cannot be so short: its layout needs many more steps.
    let error = CUBES.choose("l1-sharp", 1 << 9).expect_err("too few steps");
    assert!(matches!(error, ChoiceError::NoLayout { .. }), "{error}");
    let text = error.to_string();
    for reason in [
        "plain: the verifier of profile 'l1-sharp' does not support it",
        "recursive_large_output: the run uses more than the layout holds",
    ] {
        assert!(text.contains(reason), "{text}");
    }
    // The layout is not at fault if the program does not end.
    let error = CUBES.choose("stone", 2).expect_err("too few steps");
    assert!(
        matches!(error, ChoiceError::Run(RunError::StepLimit(2))),
        "{error}"
    );
}

#[test]
fn tasks_that_exceed_the_step_limit_reject_that_layout_only() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data/fibonacci_pie.zip");
    let pie = pie::read(&fs::read(path).expect("a file"), &PieLimits::default()).expect("a PIE");
    let tasks = Tasks::new(vec![pie]);
    let profile = Profile::by_name("stone").expect("a profile");
    let options = RunOptions {
        max_steps: 2,
        ..RunOptions::default()
    };
    let parameters = PlannedParameters::Profile(profile, 96);
    let error = choose(Executable::Tasks(&tasks), &options, &parameters).expect_err("too few steps");
    let ChoiceError::NoLayout { candidates, failed } = error else {
        panic!("{error}");
    };
    assert!(
        matches!(failed.as_deref(), Some(RunError::StepLimit(2))),
        "{failed:?}"
    );
    let of = |name: &str| candidates.iter().find(|it| it.layout == name);
    for layout in ["small", "starknet_with_keccak"] {
        let why = of(layout).and_then(|it| it.refused.as_deref());
        assert_eq!(why, Some("the program did not end within 2 steps"), "{layout}");
    }
}

/// A lie that shows only at the end of the run is no fault of the layouts, so it is not said of each.
#[test]
fn a_pie_that_lies_fails_with_its_own_error() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data/fibonacci_pie.zip");
    let mut lie = pie::read(&fs::read(path).expect("a file"), &PieLimits::default()).expect("a PIE");
    // A cell far behind the end of the output.
    lie.memory.0.push(((2, 100), MaybeRelocatable::from(7)));
    let profile = Profile::by_name("stone").expect("a profile");
    let parameters = PlannedParameters::Profile(profile, 96);
    let tasks = Tasks::new(vec![lie]).hashed_by(Some(HashFunction::Pedersen));
    let error = choose(Executable::Tasks(&tasks), &RunOptions::default(), &parameters).expect_err("a lie");
    assert!(matches!(error, ChoiceError::Run(RunError::Machine(_))), "{error}");
}
