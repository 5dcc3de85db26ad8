//! Whole proofs on the wgpu device, on a software adapter: the bytes are Stone's.

use crate::common::proving::{cpu, prove_golden_on};
use crate::common::repository_row;
use crate::memory::{assert_memory_is_planned, assert_the_plan_is_enough};
use quarry_kernels::dual::Dual;
use quarry_kernels::wgpu::{AdapterOptions, WgpuDevice};
use std::time::Instant;

const CASES: [&str; 5] = [
    "plain/fib_2p9/kek",
    "plain/fib_2p9/blake",
    "plain/fib_2p9/felt_vf_pos",
    "small/fib_2p9/q1",
    "small/fib_2p9/felt_n0_kek160lsb",
];

fn software(change: impl FnOnce(&mut AdapterOptions)) -> WgpuDevice {
    let adapters = WgpuDevice::list();
    let adapter = adapters
        .iter()
        .find(|adapter| adapter.is_software)
        .expect("a software adapter: these tests need one (Mesa's llvmpipe)");
    let mut options = AdapterOptions::new(true);
    change(&mut options);
    WgpuDevice::with_options(adapter.index, &options).expect("a device")
}

/// Proves cases and prints the launches of each proof, kernel by kernel.
fn assert_proofs_are_stones(device: &WgpuDevice, cases: &[&str]) {
    for name in cases {
        let golden = repository_row(name);
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
    assert_proofs_are_stones(&software(|_| ()), &CASES);
}

#[test]
fn proofs_without_64_bit_integers_are_stones_byte_for_byte() {
    // Both channels: the laws have the rest of the kernels in this form.
    let device = software(|options| options.use_int64 = false);
    assert_proofs_are_stones(&device, &["plain/fib_2p9/kek", "plain/fib_2p9/felt_vf_pos"]);
}

/// With bindings that are too small for any column of the trace.
#[test]
fn a_proof_with_small_bindings_is_stones_byte_for_byte() {
    let device = software(|options| {
        options.max_binding_bytes = 1 << 20;
        options.max_chunk_bytes = 128 << 10;
    });
    let golden = repository_row("plain/fib_2p9/kek");
    golden.assert_same_proof(&prove_golden_on(&device, &golden, false).bytes);
}

/// Compares every operation of a whole proof with the CPU's.
#[test]
fn every_operation_of_a_proof_is_the_cpus() {
    let golden = repository_row("plain/fib_2p9/kek");
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
    assert_the_plan_is_enough(|bytes| software(|options| options.budget = Some(bytes)));
    assert_the_plan_is_enough(|bytes| {
        software(|options| {
            options.budget = Some(bytes);
            options.max_chunk_bytes = 1 << 20;
        })
    });
}
