//! Proves the rows of a corpus.

use super::{Golden, repository_row};
use quarry_kernels::{Backend, CpuDevice};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::memory_plan::MemoryPlanError;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::prover::{Proof, ProveError, ProveOptions, plan, prove};
use quarry_prover_core::statement::Statement;
use tempfile::TempDir;

/// The four inputs of a case.
pub fn read_input(golden: &Golden) -> ProverInput {
    let folder = TempDir::new().expect("a temporary folder");
    golden.unpack(folder.path());
    let file = |name| folder.path().join(name);
    ProverInput::read(&file("public_input.json"), &file("private_input.json"))
        .unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// The parameters of a case.
pub fn read_parameters(golden: &Golden) -> Parameters {
    Parameters::parse(&golden.parameters()).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// The CPU device with `n_threads` threads.
pub fn cpu(n_threads: Option<usize>) -> CpuDevice {
    CpuDevice::new(n_threads).expect("threads")
}

/// Quarry's proof of a case on a device, with these options.
pub fn prove_with<D: Backend>(
    device: &D,
    golden: &Golden,
    options: &ProveOptions<'_>,
) -> Result<Proof, ProveError> {
    let (input, params) = (read_input(golden), read_parameters(golden));
    prove(device, &Statement::new(&input.public, &params)?, &input, options)
}

/// Quarry's proof of a case on a device.
pub fn prove_golden_on<D: Backend>(device: &D, golden: &Golden, annotations: bool) -> Proof {
    let options = ProveOptions {
        annotations,
        ..ProveOptions::default()
    };
    prove_with(device, golden, &options).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// Quarry's proof of a case on the CPU.
pub fn prove_golden(golden: &Golden, annotations: bool) -> Proof {
    prove_golden_on(&cpu(None), golden, annotations)
}

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
