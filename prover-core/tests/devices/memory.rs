//! What every device must keep to: the memory that was planned.

use crate::common::proving::{prove_golden_on, prove_with, read_input, read_parameters};
use crate::common::repository_row;
use quarry_kernels::Backend;
use quarry_prover_core::memory_plan::MemoryPlanError;
use quarry_prover_core::prover::{ProveError, ProveOptions, plan};
use quarry_prover_core::statement::Statement;

/// Asserts that a proof needs no more memory than its plan says: on devices that have just that much, first with the
/// cosets of the composition kept, then without.
pub fn assert_the_plan_is_enough<D: Backend>(start: impl Fn(u64) -> D) {
    for name in ["plain/fib_2p9/kek", "plain/fib_2p9/felt_vf_pos"] {
        let golden = repository_row(name);
        let (public, params) = (read_input(&golden).public, read_parameters(&golden));
        let large = start(1 << 30);
        let statement = Statement::new(&public, &params).expect("a statement");
        let full = plan(&large, None, &statement).expect("a plan").device_bytes();
        let lean = plan(&large, Some(full - 1), &statement).expect("a plan");
        for (n_kept, bytes) in [(2, full), (0, lean.device_bytes())] {
            let proof = prove_golden_on(&start(bytes), &golden, false);
            assert_eq!(proof.statistics.plan.n_kept_cosets, n_kept);
            golden.assert_same_proof(&proof.bytes);
        }
    }
}

/// For devices with memory of their own. Asserts that the peak matches the plan to 5 %, with the cosets of the
/// composition kept and without; that too little memory is refused before the work; and that the device stays usable.
pub fn assert_memory_is_planned<D: Backend>(device: &D) {
    for name in ["plain/fib_2p9/kek", "small/fib_2p9/q1"] {
        let golden = repository_row(name);
        let with_budget = |budget| ProveOptions {
            memory_budget: Some(budget),
            ..ProveOptions::default()
        };
        let full = prove_with(device, &golden, &with_budget(1 << 30)).expect("a proof");
        let budget = full.statistics.plan.device_bytes() - 1;
        let lean = prove_with(device, &golden, &with_budget(budget)).expect("a proof");
        let kept = [&full, &lean].map(|proof| proof.statistics.plan.n_kept_cosets);
        assert_eq!(kept, [2, 0]);
        let least = lean.statistics.plan.device_bytes();
        let refused = prove_with(device, &golden, &with_budget(least - 1)).map(|_| ());
        assert!(
            matches!(refused, Err(ProveError::Memory(MemoryPlanError::TooLarge { needed, .. })) if needed == least),
            "{refused:?}"
        );
        for proof in [full, lean] {
            golden.assert_same_proof(&proof.bytes);
            let phases = proof.statistics.phases.iter();
            let peak = phases.max_by_key(|phase| phase.peak_bytes).expect("phases");
            let ratio = peak.peak_bytes as f64 / proof.statistics.plan.peak_bytes as f64;
            let held = &peak.peak_by_tag;
            assert!((0.95..1.05).contains(&ratio), "{name}: {ratio}: {held:?}");
        }
    }
}
