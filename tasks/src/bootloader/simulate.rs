//! Hints of builtins that a layout may lack: the tasks write their cells to a segment like any other, and the bootloader
//! checks these cells in Cairo.

use super::hint::Hint;
use crate::machine::failed;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::builtin_runner::{
    BuiltinRunner, EcOpBuiltinRunner, KeccakBuiltinRunner, SignatureBuiltinRunner,
};
use num_bigint::BigUint;
use num_traits::ToPrimitive;

/// Bits of each of the eight cells of a Keccak state, and of each of the 25 words of it.
const KECCAK_CELL_BITS: usize = 200;
const KECCAK_WORD_BITS: usize = 64;
/// Bits of a limb of a number modulo the order of the curve, and their number.
const LIMB_BITS: usize = 96;
const N_LIMBS: usize = 3;
/// Maximum number of bits that are written of a number.
const MAX_BITS: usize = 252;

/// Adds a segment for `ec_op`.
pub(super) fn add_ec_op(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let mut runner = EcOpBuiltinRunner::new(Some(1), false);
    runner.initialize_segments(&mut hint.vm.segments);
    add(hint, "new_ec_op_ptr", runner.into())
}

/// Adds a segment for `keccak`.
pub(super) fn add_keccak(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let mut runner = KeccakBuiltinRunner::new(Some(1), false);
    runner.initialize_segments(&mut hint.vm.segments);
    add(hint, "new_keccak_ptr", runner.into())
}

/// Adds a segment for `ecdsa`.
pub(super) fn add_ecdsa(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let mut runner = SignatureBuiltinRunner::new(Some(1), false);
    runner.initialize_segments(&mut hint.vm.segments);
    runner.add_validation_rule(&mut hint.vm.segments.memory);
    add(hint, "new_ecdsa_ptr", runner.into())
}

/// Adds the runner of a builtin that the layout lacks.
fn add(hint: &mut Hint<'_>, name: &str, runner: BuiltinRunner) -> Result<(), HintError> {
    let base = Relocatable::from((runner.base().cast_signed(), 0));
    hint.vm.simulated_builtin_runners.push(runner);
    hint.set(name, base)
}

/// Writes the lowest bits of `m`, the lowest first.
pub(super) fn bits_of_m(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let n_bits = hint.constant("M_MAX_BITS")?.to_usize();
    let n_bits = n_bits
        .filter(|n| *n <= MAX_BITS)
        .ok_or(HintError::BigintToUsizeFail)?;
    let m = hint.number("m")?.to_biguint();
    let to = hint.pointer("m_bit_unpacking")?;
    write_parts(hint, to, &m, 1, n_bits)
}

/// Writes the state of a Keccak permutation, which the builtin holds in eight cells, as 25 words.
pub(super) fn keccak_words(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let state = hint.address("keccak_builtin_state")?;
    let mut whole = BigUint::ZERO;
    for i in 0..8 {
        let cell = hint.vm.get_integer((state + i)?)?.to_biguint();
        whole += cell << (KECCAK_CELL_BITS * i);
    }
    let to = hint.pointer("felt_array")?;
    write_parts(hint, to, &whole, KECCAK_WORD_BITS, 25)
}

/// Splits a word of a Keccak state that lies on both sides of a cell's end: word `AT` has `AT / 3` bytes in the lower one.
pub(super) fn split_word<const AT: usize>(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let words = hint.pointer("felt_array")?;
    let word = hint.vm.get_integer((words + AT)?)?.to_biguint();
    let n_low_bits = 8 * (AT / 3);
    hint.set(&format!("high{AT}"), Felt252::from(&word >> n_low_bits))?;
    hint.set(&format!("low{AT}"), Felt252::from(lowest(&word, n_low_bits)))
}

/// The signature of a message, which is not in the memory.
pub(super) fn signature(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let at = hint.pointer("start")?;
    let builtin = hint.vm.get_signature_builtin()?;
    let signature = builtin
        .signatures
        .borrow()
        .get(&at)
        .map(|signature| (signature.r, signature.s));
    let (r, s) = signature.ok_or_else(|| failed(format!("no signature is known for the message at {at}")))?;
    hint.set("r", r)?;
    hint.set("s", s)
}

/// The factors with which a signature is checked: the inverse of `s`, and its products with the message and with `r`.
pub(super) fn signature_factors(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let order = hint.constants.get("starkware.cairo.common.ec.StarkCurve.ORDER");
    let order = order.ok_or_else(|| HintError::MissingConstant(Box::new("StarkCurve.ORDER")))?;
    let order = order.to_biguint();
    let of = |name| Ok::<_, HintError>(hint.number(name)?.to_biguint());
    let (s, r, message) = (of("signature_s")?, of("signature_r")?, of("message")?);
    let w = s
        .modinv(&order)
        .ok_or_else(|| failed("a signature's s has no inverse"))?;
    let wz = &w * message % &order;
    let wr = &w * r % &order;
    for (name, value) in [("w", w), ("wz", wz), ("wr", wr)] {
        hint.set(name, Felt252::from(value))?;
    }
    Ok(())
}

/// Writes a number in limbs, the lowest first.
pub(super) fn limbs_of_96_bits(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let number = hint.number("num")?.to_biguint();
    let to = hint.pointer("res_96_felts")?;
    write_parts(hint, to, &number, LIMB_BITS, N_LIMBS)
}

/// Writes the lowest `n` parts of a number, `n_bits` bits each.
fn write_parts(
    hint: &mut Hint<'_>,
    to: Relocatable,
    number: &BigUint,
    n_bits: usize,
    n: usize,
) -> Result<(), HintError> {
    for i in 0..n {
        let part = lowest(&(number >> (n_bits * i)), n_bits);
        hint.vm.insert_value((to + i)?, Felt252::from(part))?;
    }
    Ok(())
}

/// The lowest bits of a number.
fn lowest(number: &BigUint, n_bits: usize) -> BigUint {
    number & ((BigUint::from(1u8) << n_bits) - 1u8)
}

#[cfg(test)]
mod tests;
