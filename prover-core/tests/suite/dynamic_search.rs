//! Parameters of layout `dynamic` by search: the runs that they were searched for fit and keep every constraint.

use crate::common::proving::cpu;
use quarry_prover_core::cairo::runner::{Executable, RunOptions, run, run_dynamic};
use quarry_prover_core::demand::{POOLS, STEPS};
use quarry_prover_core::dynamic_search::{Cheaper, search};
use quarry_prover_core::prover::check;
use quarry_tasks::bootloader::Tasks;
use quarry_tasks::pie::{self, PieLimits};
use serde_json::json;
use std::fs;
use std::path::Path;

#[test]
fn a_bootloaded_run_fits_the_parameters_that_were_searched_for_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data/fibonacci_pie.zip");
    let pie = pie::read(&fs::read(path).expect("a file"), &PieLimits::default()).expect("a PIE");
    let tasks = Tasks::new(vec![pie]);
    let (executable, options) = (Executable::Tasks(&tasks), RunOptions::default());
    let found = search(executable, &options).expect("parameters");
    // The range of all diluted values takes more rows than the few steps of this run.
    assert_eq!((found.decided_by, found.n_steps), (POOLS, 4096), "{found:?}");
    let names: Vec<_> = found.builtins.iter().map(|builtin| builtin.name).collect();
    assert_eq!(names, ["pedersen", "range_check"]);
    assert!(found.builtins.iter().all(|builtin| builtin.held >= builtin.used));

    let input = run_dynamic(executable, &found.dynamic_params, &options).expect("a run");
    assert_eq!(input.public.n_steps, found.n_steps);
    if let Some(violation) = check(&cpu(None), &input).expect("a trace").violation {
        panic!("{violation}");
    }
    let in_static = run(executable, "starknet", &options).expect("a run");
    assert!(found.n_steps < in_static.public.n_steps);
}

#[test]
fn what_would_save_steps_is_found() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cubes/program.json");
    let (program, input) = (fs::read(path).expect("a program"), json!({"n": 1000}));
    let executable = Executable::program(&program, Some(&input));
    let found = search(executable, &RunOptions::default()).expect("parameters");
    assert_eq!(found.decided_by, STEPS);
    let cheaper = Cheaper {
        n_steps: found.n_steps / 2,
        of: STEPS,
        fewer: found.run_steps - found.n_steps / 2,
    };
    assert_eq!(found.cheaper, Some(cheaper), "{found:?}");
}
