//! What decides the steps of a trace.

use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::runner::{Executable, RunOptions, run};
use quarry_prover_core::demand::{POOLS, STEPS, decided_by, steps_before_padding};
use quarry_tasks::bootloader::{HashFunction, Tasks};
use quarry_tasks::pie::{self, PieLimits};
use std::fs;
use std::path::Path;

/// Runs the small PIE in a layout, and says what decides its steps if it used so many instances of Pedersen.
fn decides(layout: &str, min_steps: usize, n_pedersen: Option<u64>) -> (&'static str, u64, u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/tests/data/fibonacci_pie.zip");
    let pie = pie::read(&fs::read(path).expect("a file"), &PieLimits::default()).expect("a PIE");
    let tasks = Tasks::new(vec![pie]).hashed_by(Some(HashFunction::Pedersen));
    let options = RunOptions {
        min_steps,
        ..RunOptions::default()
    };
    let mut input = run(Executable::Tasks(&tasks), layout, &options).expect("a run");
    if let (Some(n), Some(segment)) = (n_pedersen, input.public.memory_segments.get_mut("pedersen")) {
        segment.stop_ptr = segment.begin_addr + 3 * n;
    }
    let layout = Layout::of(&input.public).expect("a layout");
    let by = decided_by(&input, &layout, min_steps as u64);
    (by, steps_before_padding(&input), input.public.n_steps)
}

#[test]
fn the_run_a_builtin_or_the_pools_decide() {
    let found = ["small", "recursive", "starknet"].map(|layout| decides(layout, 0, None));
    let [_, run_steps, _] = found.map(|(_, steps, _)| steps);
    assert_eq!(
        found,
        [
            (POOLS, run_steps, 4096),
            (POOLS, run_steps, 65_536),
            (POOLS, run_steps, 131_072)
        ]
    );
    assert_eq!(decides("small", 60_000, None).0, STEPS);
    // Layout small has one for eight steps.
    assert_eq!(decides("small", 0, Some(257)).0, "pedersen");
    assert_eq!(decides("small", 0, Some(256)).0, POOLS);
}
