//! Errors about invalid instances of builtins name the segment, the instance and what is wrong with the value.

use crate::changes::{change_memory, error_of};
use crate::common::proving::read_input;
use crate::common::repository_row;
use ark_ff::One;
use quarry_kernels::Felt;
use quarry_prover_core::cairo::error::InputError;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::private_input::{ModInputs, PrivateInput};
use quarry_prover_core::cairo::trace::build_trace;

type Change<'a> = &'a dyn Fn(&mut PrivateInput);

/// Returns a function that checks the error of a case after a change of its private input.
fn expectation(case: &str) -> impl Fn(Change<'_>, &[&str]) {
    let original = read_input(&repository_row(case));
    move |change, texts| {
        let error = error_of(&original, |input| change(&mut input.private));
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    }
}

#[test]
fn pedersen_range_check_and_ecdsa() {
    let one = Felt::one();
    let expect = expectation("small/c1/base");
    expect(&|_| {}, &["accepted"]);
    expect(
        &|i| i.pedersen[2].x += one,
        &["'pedersen', instance 2", "address 223"],
    );
    expect(
        &|i| i.pedersen[2].index = 64,
        &["instance 64", "only 64 instances"],
    );
    expect(&|i| i.pedersen[2].index = u64::MAX, &["only 64 instances"]);
    expect(
        &|i| i.pedersen[2].index = 1,
        &["'pedersen', instance 1", "two entries"],
    );
    expect(&|i| _ = i.pedersen.pop(), &["memory address", "two values"]);
    expect(
        &|i| i.range_check[1].value += 1,
        &["'range_check', instance 1", "address 410"],
    );
    expect(&|i| i.range_check[1].index = 64, &["only 64 instances"]);
    expect(&|i| _ = i.range_check.pop(), &["two values"]);
    expect(
        &|i| i.ecdsa[0].r = one + one,
        &["'ecdsa', instance 0", "signature is not valid", "r 0x2,"],
    );
    expect(
        &|i| i.ecdsa[0].w = Felt::from(0u64),
        &["'ecdsa', instance 0", "w is 0 or has too many bits: 0x0"],
    );
    expect(
        &|i| i.ecdsa[0].r = -one,
        &["'ecdsa', instance 0", "r is 0 or has too many bits: 0x8000"],
    );
    expect(
        &|i| i.ecdsa[0].message += one,
        &["'ecdsa', instance 0", "address 474"],
    );
    expect(
        &|i| i.ecdsa[0].public_key = Felt::from(5u64),
        &["'ecdsa', instance 0", "0x5 is not the x coordinate of a point"],
    );
    expect(&|i| i.ecdsa[0].index = 1, &["only 1 instances"]);
    expect(&|i| i.ecdsa.clear(), &["two values"]);
}

#[test]
fn bitwise_ec_op_and_poseidon() {
    let one = Felt::one();
    let expect = expectation("dynamic/c2_nokeccak_nomod/base");
    expect(&|_| {}, &["accepted"]);
    expect(&|i| i.bitwise[3].x += one, &["'bitwise', instance 3", "address"]);
    expect(
        &|i| i.bitwise[3].y = -one,
        &["'bitwise', instance 3", "more than 251 bits"],
    );
    expect(
        &|i| i.bitwise[3].index = 4,
        &["'bitwise', instance 4", "two entries"],
    );
    expect(&|i| i.bitwise[3].index = 1 << 40, &["instances: more steps"]);
    expect(
        &|i| i.ec_op[0].p[1] += one,
        &["'ec_op', instance 0", "is not a point on the curve"],
    );
    expect(
        &|i| i.ec_op[0].q[0] = one,
        &["'ec_op', instance 0", "(0x1, ", "is not a point on the curve"],
    );
    expect(
        &|i| i.ec_op[0].q = i.ec_op[0].p,
        &["'ec_op', instance 0", "degenerate"],
    );
    expect(&|i| i.ec_op[0].m += one, &["'ec_op', instance 0", "address"]);
    expect(
        &|i| i.poseidon[9].state[2] += one,
        &["'poseidon', instance 9", "address"],
    );
    expect(&|i| _ = i.poseidon.pop(), &["two values"]);
}

#[test]
fn keccak() {
    let one = Felt::one();
    let expect = expectation("starknet_with_keccak/c1/base");
    expect(
        &|i| i.keccak[5].state[7] += one,
        &["'keccak', instance 5", "address"],
    );
    expect(
        &|i| i.keccak[5].state[0] = -one,
        &["'keccak', instance 5", "more than 200 bits"],
    );
    expect(
        &|i| i.keccak[5].index = 16,
        &["'keccak', instance 16", "only 16 instances"],
    );
    expect(&|i| i.keccak.clear(), &["two values"]);
}

#[test]
fn range_check96_add_mod_and_mul_mod() {
    let original = read_input(&repository_row("dynamic/c3_nokeccak_mod/base"));
    let expect = expectation("dynamic/c3_nokeccak_mod/base");
    expect(&|_| {}, &["accepted"]);
    expect(
        &|i| i.range_check96[5].value = 1 << 96,
        &["'range_check96', instance 5", "more than 96 bits"],
    );
    expect(
        &|i| i.range_check96[5].value += 1,
        &["'range_check96', instance 5", "address"],
    );
    type Inputs = fn(&mut PrivateInput) -> &mut ModInputs;
    let builtins: [(&str, Inputs); 2] = [("add_mod", |i| &mut i.add_mod), ("mul_mod", |i| &mut i.mul_mod)];
    for (name, inputs) in builtins {
        let instance = format!("'{name}', instance 1");
        expect(
            &|i| inputs(i).instances[1].p = [0; 4],
            &[&instance, "modulus is 0"],
        );
        expect(
            &|i| inputs(i).instances[1].values[0][3] = 1 << 96,
            &[&instance, "more than 96 bits"],
        );
        expect(
            &|i| inputs(i).instances[1].values[2][0] += 1,
            &[&instance, "address"],
        );
        expect(
            &|i| inputs(i).instances[1].offsets[0] += 1,
            &[&instance, "address"],
        );
        expect(
            &|i| inputs(i).instances[1].index = 0,
            &["instance 0", "two entries"],
        );
        expect(&|i| inputs(i).zero_value_address = u64::MAX, &["addresses 1..="]);
    }
    // Numbers that match the memory, but do not add up.
    let error = error_of(&original, |input| {
        let instance = &mut input.private.add_mod.instances[1];
        instance.values[2][0] ^= 1;
        let address = instance.values_ptr + instance.offsets[2];
        let value = instance.values[2][0];
        let checked = address - input.public.memory_segments["range_check96"].begin_addr;
        input.private.range_check96[checked as usize].value = value;
        change_memory(input, address, Some(Felt::from(value)));
    });
    assert!(error.contains("'add_mod', instance 1"), "{error}");
}

/// The parameters of `dynamic` are input too.
#[test]
fn parameters_of_dynamic_do_not_panic() {
    let original = read_input(&repository_row("dynamic/c3_nokeccak_mod/base"));
    let mut input = original.clone();
    for (name, value) in [
        ("bitwise__x_suboffset", 0),
        ("mem_pool__addr_offset", 1 << 20),
        ("memory__sorted__addr_column", 1 << 20),
        ("keccak__row_ratio", 3),
        ("pedersen_builtin_row_ratio", 1 << 40),
    ] {
        input.public.dynamic_params = original.public.dynamic_params.clone();
        let params = input.public.dynamic_params.as_mut().expect("parameters");
        params.insert(name.to_owned(), value);
        if let Ok(layout) = Layout::of(&input.public) {
            drop(build_trace(&layout, &input));
        }
    }
}

#[test]
fn a_trace_of_half_an_instance_is_refused() {
    let mut input = read_input(&repository_row("dynamic/c3_nokeccak_mod/base"));
    let layout = Layout::of(&input.public).expect("a layout");
    let trace = build_trace(&layout, &input).expect("a trace");
    let n_rows = trace[0].len() as u64;
    let params = input.public.dynamic_params.as_mut().expect("parameters");
    params.insert("poseidon__row_ratio".to_owned(), 2 * n_rows);
    let layout = Layout::of(&input.public).expect("a layout");
    let error = build_trace(&layout, &input).expect_err("a trace that is too short");
    assert!(matches!(error, InputError::TooFewSteps { .. }), "{error}");
}
