//! The memory that the prover holds matches the plan, however much is kept, and the bytes of the proof do not depend on
//! it.

use crate::common::proving::{cpu, prove_with, read_input, read_parameters};
use crate::common::repository_row;
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cost::Shape;
use quarry_prover_core::memory_plan::{MemoryPlan, MemoryPlanError};
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::progress::Phase;
use quarry_prover_core::prover::{self, ProveError, ProveOptions, Statistics};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::tags::OPENED;
use serde_json::json;

fn with_budget(budget: Option<u64>) -> ProveOptions<'static> {
    ProveOptions {
        memory_budget: budget,
        ..ProveOptions::default()
    }
}

/// Asserts that every phase takes the planned memory, to 5 %, and that the tags that take most of it are the planned
/// ones. (Opened rows are not planned: they are few.)
fn assert_as_planned(name: &str, statistics: &Statistics) {
    for planned in &statistics.plan.phases {
        let measured = statistics
            .phases
            .iter()
            .find(|phase| phase.phase == planned.phase);
        let measured = measured.expect("the phase was run");
        let ratio = measured.peak_bytes as f64 / planned.peak_bytes as f64;
        assert!(
            (0.95..1.05).contains(&ratio),
            "{name}, {} kept: {}: {:?} measured, {:?} planned",
            statistics.plan.n_kept_cosets,
            planned.phase.name(),
            measured.peak_by_tag,
            planned.by_tag
        );
        let tags = |by_tag: &[(quarry_kernels::Tag, u64)]| {
            let large = |(_, bytes): &&(_, u64)| *bytes > planned.peak_bytes / 10;
            let mut tags: Vec<_> = by_tag.iter().filter(large).map(|(tag, _)| *tag).collect();
            tags.sort();
            tags
        };
        assert_eq!(tags(&measured.peak_by_tag), tags(&planned.by_tag), "{name}");
    }
    let planned = |phase: Phase| {
        statistics
            .plan
            .phases
            .iter()
            .any(|planned| planned.phase == phase)
    };
    let outside = statistics.phases.iter().filter(|phase| !planned(phase.phase));
    for phase in outside {
        let opened = phase.peak_by_tag.iter().filter(|(tag, _)| *tag == OPENED);
        let others = phase.peak_bytes - opened.map(|(_, bytes)| bytes).sum::<u64>();
        assert!(
            others <= statistics.plan.peak_bytes,
            "{name}: {}",
            phase.phase.name()
        );
    }
}

#[test]
fn proofs_take_what_was_planned_and_are_the_same() {
    for name in [
        "plain/fib_2p9/blake",
        "small/fib_2p9/cosets1",
        "small/fib_2p9/cosets5",
        "small/fib_2p9/fri_first3",
        "small/c1/base",
    ] {
        let golden = repository_row(name);
        let mut plans = Vec::new();
        for budget in [None, Some(u64::MAX)] {
            let proof = prove_with(&cpu(None), &golden, &with_budget(budget)).expect("a proof");
            golden.assert_same_proof(&proof.bytes);
            assert_as_planned(name, &proof.statistics);
            plans.push(proof.statistics.plan);
        }
        let [lean, full] = &plans[..] else {
            panic!("two proofs")
        };
        assert_eq!((lean.n_kept_cosets, full.n_kept_cosets), (0, 2), "{name}");

        // One byte less than the full plan takes: the plan is that of the first proof, which is not made again. One byte
        // less than that one takes: nothing fits.
        let (input, params) = (read_input(&golden), read_parameters(&golden));
        let statement = Statement::new(&input.public, &params).expect("a statement");
        let less = prover::plan(&cpu(None), Some(full.peak_bytes - 1), &statement).expect("a plan");
        assert_eq!(json!(less), json!(lean), "{name}");
        let nothing = prove_with(&cpu(None), &golden, &with_budget(Some(lean.peak_bytes - 1)));
        let Err(ProveError::Memory(MemoryPlanError::TooLarge { needed, free, .. })) = nothing else {
            panic!("{name}: a proof without the memory for it");
        };
        assert_eq!((needed, free), (lean.peak_bytes, lean.peak_bytes - 1), "{name}");
    }
}

/// The memory that GPUs of 16 and 24 GB have for a proof, after the driver's part.
const GPUS: [(&str, u64); 2] = [("16 GB", 15 << 30), ("24 GB", 23 << 30)];

#[test]
fn large_proofs_fit_common_gpus() {
    let layout = Layout::by_name("recursive").expect("a layout");
    let air = CairoAir::new(&layout, 1 << 20).expect("an AIR");
    let shape = Shape::new(&air, &air.air.compile()).expect("a shape");
    for (log_n_cosets, fri_step_list) in [
        (2, "[0, 4, 4, 4, 3, 3]"),
        (3, "[0, 4, 4, 4, 3, 3]"),
        (6, "[0, 4, 4, 4, 3, 3]"),
        (6, "[0, 3, 3, 3, 3, 3, 3]"),
    ] {
        let params = Parameters::parse(&format!(
            r#"{{"field": "PrimeField0", "use_extension_field": false, "stark": {{"log_n_cosets": {log_n_cosets}, "fri": {{
                "fri_step_list": {fri_step_list}, "last_layer_degree_bound": 64, "n_queries": 11, "proof_of_work_bits": 30}}}}}}"#
        ))
        .expect("parameters");
        for (gpu, free) in GPUS {
            let plan = MemoryPlan::new(&cpu(Some(1)), &shape, &params, Some(free));
            let plan = plan.unwrap_or_else(|error| panic!("{gpu}, 2^{log_n_cosets} cosets: {error}"));
            assert!(plan.peak_bytes <= free);
            println!(
                "{gpu}, 2^{log_n_cosets} cosets, FRI {fri_step_list}: {:.1} GiB, {} cosets kept",
                plan.peak_bytes as f64 / f64::from(1 << 30),
                plan.n_kept_cosets
            );
        }
        let large = MemoryPlan::new(&cpu(Some(1)), &shape, &params, Some(80 << 30)).expect("a plan");
        assert_eq!(large.n_kept_cosets, 2, "a GPU of 80 GB keeps what is used again");
    }
}
