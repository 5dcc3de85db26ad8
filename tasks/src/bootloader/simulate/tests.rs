//! The hints that check signatures. No golden run has them: no layout without `ecdsa` has what they take.

use super::{Hint, add_ecdsa, limbs_of_96_bits, signature, signature_factors};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::hint_processor_definition::HintReference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;
use std::collections::HashMap;

/// The order of the curve.
const ORDER: &str = "0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f";

/// The segment of the variables, and one for what a hint writes elsewhere.
const STACK: isize = 1;
const HEAP: isize = 2;

fn machine() -> VirtualMachine {
    let mut vm = VirtualMachine::new(false, false);
    for _ in 0..=HEAP {
        vm.add_memory_segment();
    }
    vm
}

/// Executes a hint with these variables, one after the other on the stack. Those without a value are for the hint to set.
fn execute(
    vm: &mut VirtualMachine,
    hint: impl FnOnce(&mut Hint<'_>) -> Result<(), HintError>,
    variables: &[(&str, Option<MaybeRelocatable>)],
) -> Result<(), HintError> {
    let mut ids = HashMap::new();
    for (i, (name, value)) in variables.iter().enumerate() {
        let place = i32::try_from(i).expect("a small number");
        ids.insert((*name).to_owned(), HintReference::new_simple(place));
        if let Some(value) = value {
            vm.insert_value((STACK, i).into(), value.clone())?;
        }
    }
    let order = Felt252::from_hex_unchecked(ORDER);
    let constants = HashMap::from([("starkware.cairo.common.ec.StarkCurve.ORDER".to_owned(), order)]);
    hint(&mut Hint {
        vm,
        scopes: &mut ExecutionScopes::new(),
        ids: &ids,
        ap: &ApTracking::default(),
        constants: &constants,
    })
}

fn number(value: u64) -> Option<MaybeRelocatable> {
    Some(Felt252::from(value).into())
}

fn cell(vm: &VirtualMachine, segment: isize, offset: usize) -> BigUint {
    let value = vm.get_integer((segment, offset).into()).expect("a number");
    value.to_biguint()
}

#[test]
fn the_factors_of_a_signature() {
    let variables = |s| {
        [
            ("signature_s", number(s)),
            ("signature_r", number(3)),
            ("message", number(5)),
            ("w", None),
            ("wr", None),
            ("wz", None),
        ]
    };
    let mut vm = machine();
    execute(&mut vm, signature_factors, &variables(7)).expect("factors");
    let order = Felt252::from_hex_unchecked(ORDER).to_biguint();
    for (place, product) in [(3, 1_u8), (4, 3), (5, 5)] {
        assert_eq!(cell(&vm, STACK, place) * 7_u8 % &order, BigUint::from(product));
    }
    let error = execute(&mut machine(), signature_factors, &variables(0)).expect_err("0 has no inverse");
    assert!(error.to_string().contains("no inverse"), "{error}");
}

#[test]
fn a_number_in_limbs() {
    let mut vm = machine();
    let whole = (BigUint::from(5_u8) << 192) + (BigUint::from(4_u8) << 96) + 3_u8;
    let to = Relocatable::from((HEAP, 0));
    let variables = [
        ("num", Some(Felt252::from(whole).into())),
        ("res_96_felts", Some(to.into())),
    ];
    execute(&mut vm, limbs_of_96_bits, &variables).expect("limbs");
    assert_eq!(
        [0, 1, 2].map(|i| cell(&vm, HEAP, i)),
        [3_u8, 4, 5].map(BigUint::from)
    );
}

#[test]
fn a_signature_is_found_where_its_message_is() {
    let mut vm = machine();
    execute(&mut vm, add_ecdsa, &[("new_ecdsa_ptr", None)]).expect("a segment");
    let at = vm.get_relocatable((STACK, 0).into()).expect("a pointer");
    let builtin = vm.get_signature_builtin().expect("a builtin");
    builtin
        .add_signature(at, &(Felt252::from(8), Felt252::from(9)))
        .expect("a signature");
    let variables = |at: Relocatable| [("start", Some(at.into())), ("r", None), ("s", None)];
    execute(&mut vm, signature, &variables(at)).expect("a signature");
    assert_eq!([1, 2].map(|i| cell(&vm, STACK, i)), [8_u8, 9].map(BigUint::from));

    let mut vm = machine();
    let error = execute(&mut vm, signature, &variables((HEAP, 0).into()));
    assert!(error.is_err(), "no ecdsa at all");
    execute(&mut vm, add_ecdsa, &[("new_ecdsa_ptr", None)]).expect_err("the stack is in use");
    let error = execute(&mut vm, signature, &variables((HEAP, 0).into())).expect_err("another message");
    assert!(error.to_string().contains("no signature is known"), "{error}");
}
