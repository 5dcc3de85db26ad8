//! Inputs after random changes are either rejected, or satisfy every constraint.

use crate::changes::{Numbers, change_memory};
use crate::common::proving::{cpu, read_input};
use crate::common::repository_row;
use quarry_prover_core::cairo::input::{ProverInput, TraceEntry};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::private_input::PrivateInput;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::cairo::trace::{build_trace, fill_trace};
use quarry_prover_core::prover::check;

/// Changes one thing in the inputs.
fn mutate(numbers: &mut Numbers, input: &mut ProverInput) {
    match numbers.below(10) {
        0 | 1 => {
            let i = numbers.below(input.trace.len());
            let TraceEntry { ap, fp, pc } = &mut input.trace[i];
            let register = [ap, fp, pc].into_iter().nth(numbers.below(3)).expect("three");
            *register = numbers.near(*register);
        }
        2..=4 => {
            let cells: Vec<_> = input.memory.cells().collect();
            let (address, value) = cells[numbers.below(cells.len())];
            let value = (numbers.below(4) > 0).then(|| numbers.felt_near(value));
            change_memory(input, address, value);
        }
        5 => {
            let i = numbers.below(input.public.public_memory.len());
            let cell = &mut input.public.public_memory[i];
            match numbers.below(2) {
                0 => cell.address = numbers.near(cell.address),
                _ => cell.value = numbers.felt_near(cell.value),
            }
        }
        6 => {
            let i = numbers.below(input.public.memory_segments.len());
            let segment = input
                .public
                .memory_segments
                .values_mut()
                .nth(i)
                .expect("in range");
            match numbers.below(2) {
                0 => segment.begin_addr = numbers.near(segment.begin_addr),
                _ => segment.stop_ptr = numbers.near(segment.stop_ptr),
            }
        }
        7 => {
            let PublicInput {
                n_steps,
                rc_min,
                rc_max,
                ..
            } = &mut input.public;
            let number = [n_steps, rc_min, rc_max]
                .into_iter()
                .nth(numbers.below(3))
                .expect("three");
            *number = numbers.near(*number);
        }
        _ => {
            let PrivateInput {
                pedersen,
                range_check,
                ecdsa,
                ..
            } = &mut input.private;
            let n = pedersen.len();
            if let (0, Some(entry)) = (numbers.below(3), pedersen.get_mut(numbers.below(n))) {
                entry.index = numbers.near(entry.index);
                entry.x = numbers.felt_near(entry.x);
            } else if let (0, Some(entry)) = (numbers.below(2), range_check.first_mut()) {
                entry.index = numbers.near(entry.index);
                entry.value ^= 1 << numbers.below(128);
            } else if let Some(entry) = ecdsa.first_mut() {
                let Some(value) = [
                    &mut entry.public_key,
                    &mut entry.message,
                    &mut entry.r,
                    &mut entry.w,
                ]
                .into_iter()
                .nth(numbers.below(4)) else {
                    return;
                };
                *value = numbers.felt_near(*value);
            }
        }
    }
}

#[test]
fn what_is_accepted_satisfies_every_constraint() {
    let device = cpu(None);
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    let (mut n_accepted, mut n_refused) = (0, 0);
    for (name, n) in [("plain/fib_2p9/base", 400), ("small/c1/base", 200)] {
        let original = read_input(&repository_row(name));
        let layout = Layout::of(&original.public).expect("a layout");
        for i in 0..n {
            let mut input = original.clone();
            mutate(&mut numbers, &mut input);
            // The checker's own path to the trace accepts more inputs, but must not panic either.
            drop(fill_trace(&layout, &input));
            match build_trace(&layout, &input) {
                Err(_) => n_refused += 1,
                Ok(_) => {
                    n_accepted += 1;
                    let checked = check(&device, &input).expect("a trace");
                    assert_eq!(checked.violation, None, "{name}: change {i} was accepted");
                }
            }
        }
    }
    println!("{n_accepted} accepted, {n_refused} refused");
    assert!(n_refused > 300 && n_accepted > 0);
}
