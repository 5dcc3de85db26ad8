//! Errors about a trace, a memory and a public input that contradict each other or themselves say what is wrong where.

use crate::changes::{change_memory, error_of};
use crate::common::proving::read_input;
use crate::common::repository_row;
use ark_ff::One;
use quarry_kernels::Felt;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::memory::Memory;

/// The address of a memory cell that only the CPU accesses: the call at step 0 pushes it.
const FRAME: u64 = 85;

#[test]
fn contradictions_are_named() {
    let original = read_input(&repository_row("small/c1/base"));
    let one = Felt::one();
    let expect = |change: &dyn Fn(&mut ProverInput), texts: &[&str]| {
        let error = error_of(&original, change);
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    };
    // The trace.
    expect(&|i| i.trace[7].pc += 1, &["step"]);
    expect(&|i| i.trace[7].ap += 1, &["step 6", "ap is", "makes it"]);
    expect(&|i| i.trace.swap(3, 4), &["step"]);
    expect(
        &|i| i.trace[9].pc = 1 << 60,
        &["step 8", "pc is 1152921504606846976"],
    );
    expect(&|i| i.trace[0].fp += 1, &["step 0", "fp is", "the public input"]);
    expect(&|i| _ = i.trace.pop(), &["511 steps", "512"]);
    expect(&|i| i.trace.push(i.trace[0]), &["513 steps", "512"]);
    expect(&|i| i.trace.clear(), &["0 steps"]);
    // The memory.
    expect(
        &|i| i.memory = Memory::default(),
        &["step 0 (pc 1)", "the instruction", "address 1"],
    );
    expect(
        &|i| change_memory(i, 1, None),
        &["step 0", "the instruction", "address 1"],
    );
    expect(
        &|i| change_memory(i, 1, Some(-one)),
        &["step 0", "is not an instruction"],
    );
    let blake2s = Felt::from(0x8010_7ffd_7ffc_7fff_u64);
    expect(
        &|i| change_memory(i, 1, Some(blake2s)),
        &["step 0", "a Blake2s instruction, which no layout of Stone has"],
    );
    expect(&|i| change_memory(i, FRAME, Some(one)), &["step", "asserts"]);
    expect(&|i| change_memory(i, FRAME, Some(-one)), &["step"]);
    // The public input.
    expect(&|i| i.public.n_steps = 1024, &["512 steps", "1024"]);
    expect(&|i| i.public.n_steps = 256, &["at least 512 steps"]);
    expect(&|i| i.public.n_steps = 1 << 60, &["512 steps"]);
    expect(&|i| i.public.rc_min += 5, &["range-checked", "32762..="]);
    expect(
        &|i| i.public.rc_max = 65535,
        &["values between rc_min and rc_max", "more steps"],
    );
    expect(&|i| i.public.rc_max = 1 << 40, &["rc_max 1099511627776"]);
    expect(&|i| i.public.rc_min = i.public.rc_max, &["rc_min"]);
    expect(&|i| i.public.public_memory.clear(), &["public memory is empty"]);
    expect(
        &|i| i.public.public_memory[3].value += one,
        &["public memory says", "address 4"],
    );
    expect(
        &|i| i.public.public_memory[3].address = 1 << 60,
        &["addresses 1..=1152921504606846976"],
    );
    expect(
        &|i| i.public.public_memory[3].address = 0,
        &["begins at address 0"],
    );
    expect(
        &|i| i.public.public_memory = vec![i.public.public_memory[0]; 5000],
        &["5000 cells of public memory"],
    );
    for segment in ["execution", "ecdsa"] {
        expect(&|i| _ = i.public.memory_segments.remove(segment), &[segment]);
    }
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("program")
                .expect("there")
                .stop_ptr += 1;
        },
        &["step 511", "pc is", "the public input"],
    );
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("range_check")
                .expect("there")
                .stop_ptr += 64;
        },
        &["range_check", "512 steps hold 64"],
    );
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("pedersen")
                .expect("there")
                .begin_addr -= 3;
        },
        &["pedersen"],
    );
    let far = |i: &mut ProverInput| {
        let segment = i.public.memory_segments.get_mut("ecdsa").expect("there");
        (segment.begin_addr, segment.stop_ptr) = (u64::MAX - 2, u64::MAX);
    };
    expect(&far, &["addresses 1..=18446744073709551614"]);
}
