//! The inputs of a run's builtins.

use crate::cairo::private_input::{
    BitwiseInput, EcOpInput, KeccakInput, MOD_WORDS, ModInput, ModInputs, PedersenInput, PoseidonInput,
    PrivateInput, RangeCheckInput, SignatureInput,
};
use ark_ff::{BigInt, PrimeField};
use cairo_vm::Felt252;
use cairo_vm::air_private_input::{ModInput as VmModInput, ModInputInstance, PrivateInput as VmInput};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use quarry_kernels::{Felt, felt};

/// Extracts the inputs of all builtins from a finished run.
pub(super) fn private_input(runner: &CairoRunner) -> PrivateInput {
    let mut private = PrivateInput::default();
    for (builtin, inputs) in runner.get_air_private_input().0 {
        for input in inputs {
            add_input(&mut private, builtin, &input);
        }
    }
    private
}

/// Adds one entry to a builtin's list. Builtins that no layout has are ignored: programs that use them are rejected
/// earlier.
fn add_input(private: &mut PrivateInput, builtin: BuiltinName, input: &VmInput) {
    match (builtin, input) {
        (BuiltinName::pedersen, VmInput::Pair(input)) => private.pedersen.push(PedersenInput {
            index: input.index as u64,
            x: to_felt(&input.x),
            y: to_felt(&input.y),
        }),
        (BuiltinName::range_check, VmInput::Value(input)) => private.range_check.push(RangeCheckInput {
            index: input.index as u64,
            value: to_uint128(&input.value),
        }),
        (BuiltinName::range_check96, VmInput::Value(input)) => private.range_check96.push(RangeCheckInput {
            index: input.index as u64,
            value: to_uint128(&input.value),
        }),
        (BuiltinName::ecdsa, VmInput::Signature(input)) => private.ecdsa.push(SignatureInput {
            index: input.index as u64,
            public_key: to_felt(&input.pubkey),
            message: to_felt(&input.msg),
            r: to_felt(&input.signature_input.r),
            w: to_felt(&input.signature_input.w),
        }),
        (BuiltinName::bitwise, VmInput::Pair(input)) => private.bitwise.push(BitwiseInput {
            index: input.index as u64,
            x: to_felt(&input.x),
            y: to_felt(&input.y),
        }),
        (BuiltinName::ec_op, VmInput::EcOp(input)) => private.ec_op.push(EcOpInput {
            index: input.index as u64,
            p: [&input.p_x, &input.p_y].map(to_felt),
            q: [&input.q_x, &input.q_y].map(to_felt),
            m: to_felt(&input.m),
        }),
        (BuiltinName::keccak, VmInput::KeccakState(input)) => private.keccak.push(KeccakInput {
            index: input.index as u64,
            state: [
                &input.input_s0,
                &input.input_s1,
                &input.input_s2,
                &input.input_s3,
                &input.input_s4,
                &input.input_s5,
                &input.input_s6,
                &input.input_s7,
            ]
            .map(to_felt),
        }),
        (BuiltinName::poseidon, VmInput::PoseidonState(input)) => private.poseidon.push(PoseidonInput {
            index: input.index as u64,
            state: [&input.input_s0, &input.input_s1, &input.input_s2].map(to_felt),
        }),
        (BuiltinName::add_mod, VmInput::Mod(inputs)) => private.add_mod = mod_inputs(inputs),
        (BuiltinName::mul_mod, VmInput::Mod(inputs)) => private.mul_mod = mod_inputs(inputs),
        _ => {}
    }
}

fn mod_inputs(inputs: &VmModInput) -> ModInputs {
    let number = |words: [&Felt252; MOD_WORDS]| words.map(to_uint128);
    let instance = |instance: &ModInputInstance| {
        // In every layout a batch has one operation.
        let operation = instance.batch.values().next()?;
        Some(ModInput {
            index: instance.index as u64,
            p: number([&instance.p0, &instance.p1, &instance.p2, &instance.p3]),
            values_ptr: instance.values_ptr as u64,
            offsets_ptr: instance.offsets_ptr as u64,
            n: instance.n as u64,
            offsets: [operation.a_offset, operation.b_offset, operation.c_offset].map(|offset| offset as u64),
            values: [
                number([&operation.a0, &operation.a1, &operation.a2, &operation.a3]),
                number([&operation.b0, &operation.b1, &operation.b2, &operation.b3]),
                number([&operation.c0, &operation.c1, &operation.c2, &operation.c3]),
            ],
        })
    };
    ModInputs {
        instances: inputs.instances.iter().filter_map(instance).collect(),
        zero_value_address: inputs.zero_value_address as u64,
    }
}

/// The low 128 bits. The virtual machine has checked that the higher ones are 0.
fn to_uint128(value: &Felt252) -> u128 {
    let BigInt([low, high, ..]) = to_felt(value).into_bigint();
    u128::from(high) << 64 | u128::from(low)
}

/// Converts a field element to one of the virtual machine.
pub(super) fn to_vm_felt(value: &Felt) -> Felt252 {
    Felt252::from_bytes_be(&felt::to_standard_bytes(value))
}

/// Converts a field element of the virtual machine.
pub(crate) fn to_felt(value: &Felt252) -> Felt {
    // Both types hold reduced values, so the value is always below p.
    felt::from_standard_bytes(&value.to_bytes_be()).unwrap_or_default()
}
