//! Whole proofs on the wgpu device, on a software adapter: the bytes are Stone's.
#![cfg(all(feature = "prover", feature = "device-tests"))]

mod common;

use common::proving::{assert_memory_is_planned, assert_the_plan_is_enough, cpu, prove_golden_on};
use quarry_kernels::dual::Dual;
use quarry_kernels::wgpu::{WgpuDevice, Wishes};
use std::time::Instant;

const CASES: [&str; 5] = [
    "plain/fib_2p9/kek",
    "plain/fib_2p9/blake",
    "plain/fib_2p9/felt_vf_pos",
    "small/fib_2p9/q1",
    "small/fib_2p9/felt_n0_kek160lsb",
];

fn software(change: impl FnOnce(&mut Wishes)) -> WgpuDevice {
    let adapters = WgpuDevice::list();
    let adapter = adapters
        .iter()
        .find(|adapter| adapter.is_software)
        .expect("a software adapter: these tests need one (Mesa's llvmpipe)");
    let mut wishes = Wishes::new(true);
    change(&mut wishes);
    WgpuDevice::with_wishes(adapter.index, &wishes).expect("a device")
}

/// Proves all cases and prints the launches of each proof, kernel by kernel.
fn assert_proofs_are_stones(device: &WgpuDevice) {
    for name in CASES {
        let golden = common::repository_row(name);
        let _ = device.take_launches();
        let begin = Instant::now();
        let proof = prove_golden_on(device, &golden, false);
        let (seconds, launches) = (begin.elapsed().as_secs_f64(), device.take_launches());
        let n: u64 = launches.values().map(|launches| launches.n).sum();
        println!("{name}: {seconds:.1} s, {n} launches; of each kernel, and workgroups:");
        for (kernel, launches) in launches {
            println!("    {kernel}: {}, {}", launches.n, launches.n_workgroups);
        }
        // Launches must be few and large: no column takes a launch of its own.
        assert!(n < 1000, "{name}: {n} launches");
        golden.assert_same_proof(&proof.bytes);
        assert!(proof.statistics.device.contains("Vulkan"));
    }
}

#[test]
fn proofs_are_stones_byte_for_byte() {
    assert_proofs_are_stones(&software(|_| ()));
}

#[test]
fn proofs_without_64_bit_integers_are_stones_byte_for_byte() {
    assert_proofs_are_stones(&software(|wishes| wishes.use_int64 = false));
}

/// With bindings that are too small for any column of the trace.
#[test]
fn a_proof_with_small_bindings_is_stones_byte_for_byte() {
    let device = software(|wishes| {
        wishes.max_binding_bytes = 1 << 20;
        wishes.max_chunk_bytes = 128 << 10;
    });
    let golden = common::repository_row("plain/fib_2p9/kek");
    golden.assert_same_proof(&prove_golden_on(&device, &golden, false).bytes);
}

/// Compares every operation of a whole proof with the CPU's.
#[test]
fn every_operation_of_a_proof_is_the_cpus() {
    let golden = common::repository_row("plain/fib_2p9/kek");
    let device = Dual::new(software(|_| ()), cpu(None));
    golden.assert_same_proof(&prove_golden_on(&device, &golden, false).bytes);
}

#[test]
fn proofs_take_the_memory_that_was_planned() {
    assert_memory_is_planned(&software(|_| ()));
}

/// With columns that can be bound directly, and with columns that cannot.
#[test]
fn a_proof_is_done_within_its_plan() {
    assert_the_plan_is_enough(|bytes| software(|wishes| wishes.budget = Some(bytes)));
    assert_the_plan_is_enough(|bytes| {
        software(|wishes| {
            wishes.budget = Some(bytes);
            wishes.max_chunk_bytes = 1 << 20;
        })
    });
}
