//! Hints of integers in limbs of 128 bits, the least significant first.

use super::machine::Machine;
use super::misplaced;
use crate::machine::failed;
use cairo_lang_casm::hints::CoreHint;
use cairo_lang_casm::operand::{CellRef, ResOperand};
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Zero};

/// Number of bits of a limb.
const LIMB: u32 = 128;

pub(super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::Uint256DivMod {
            dividend0,
            dividend1,
            divisor0,
            divisor1,
            quotient0,
            quotient1,
            remainder0,
            remainder1,
        } => {
            let dividend = joined(machine, &[dividend0, dividend1])?;
            let divisor = joined(machine, &[divisor0, divisor1])?;
            divide(
                machine,
                &dividend,
                &divisor,
                [quotient0, quotient1],
                [remainder0, remainder1],
            )
        }
        CoreHint::Uint512DivModByUint256 {
            dividend0,
            dividend1,
            dividend2,
            dividend3,
            divisor0,
            divisor1,
            quotient0,
            quotient1,
            quotient2,
            quotient3,
            remainder0,
            remainder1,
        } => {
            let dividend = joined(machine, &[dividend0, dividend1, dividend2, dividend3])?;
            let divisor = joined(machine, &[divisor0, divisor1])?;
            let quotient = [quotient0, quotient1, quotient2, quotient3];
            divide(machine, &dividend, &divisor, quotient, [remainder0, remainder1])
        }
        CoreHint::Uint256SquareRoot {
            value_low,
            value_high,
            sqrt0,
            sqrt1,
            remainder_low,
            remainder_high,
            sqrt_mul_2_minus_remainder_ge_u128,
        } => {
            let value = joined(machine, &[value_low, value_high])?;
            let root = value.sqrt();
            let remainder = value - &root * &root;
            // The difference is at least 0, since the remainder is at most twice the root.
            let is_wide = &root * 2u32 - &remainder >= BigUint::one() << LIMB;
            let (high, low) = root.div_rem(&(BigUint::one() << (LIMB / 2)));
            machine.set(sqrt0, Felt252::from(&low))?;
            machine.set(sqrt1, Felt252::from(&high))?;
            write(machine, [remainder_low, remainder_high], remainder)?;
            machine.set_flag(sqrt_mul_2_minus_remainder_ge_u128, is_wide)
        }
        CoreHint::U256InvModN {
            b0,
            b1,
            n0,
            n1,
            g0_or_no_inv,
            g1_option,
            s_or_r0,
            s_or_r1,
            t_or_k0,
            t_or_k1,
        } => {
            let (b, n) = (joined(machine, &[b0, b1])?, joined(machine, &[n0, n1])?);
            let (s_or_r, t_or_k) = ([s_or_r0, s_or_r1], [t_or_k0, t_or_k1]);
            machine.state()?.spend_search()?;
            match inverse(&b, &n)? {
                Inverse::Is { r, k } => {
                    write(machine, s_or_r, r)?;
                    write(machine, t_or_k, k)?;
                    machine.set(g0_or_no_inv, Felt252::from(0))
                }
                Inverse::IsNot { g, s, t } => {
                    write(machine, s_or_r, s)?;
                    write(machine, t_or_k, t)?;
                    write(machine, [g0_or_no_inv, g1_option], g)
                }
            }
        }
        _ => Err(misplaced()),
    }
}

/// The inverse of `b` modulo `n`, or why there is none.
enum Inverse {
    /// `r * b = 1 + k * n`.
    Is { r: BigUint, k: BigUint },
    /// `g` divides `b = g * s` and `n = g * t`.
    IsNot { g: BigUint, s: BigUint, t: BigUint },
}

fn inverse(b: &BigUint, n: &BigUint) -> Result<Inverse, HintError> {
    if n.is_zero() {
        return Err(failed("an inverse modulo zero"));
    }
    let mut g = b.gcd(n);
    if n.is_one() || !g.is_one() {
        // The program wants a divisor whose lowest limb is not 0.
        if !n.is_one() && g.is_even() {
            g = 2u32.into();
        }
        let (s, t) = (b / &g, n / &g);
        return Ok(Inverse::IsNot { g, s, t });
    }
    let (signed_b, signed_n) = (BigInt::from(b.clone()), BigInt::from(n.clone()));
    let r = signed_b.extended_gcd(&signed_n).x.mod_floor(&signed_n);
    let r = r.to_biguint().ok_or_else(|| failed("a negative inverse"))?;
    let k = (&r * b - 1u32) / n;
    Ok(Inverse::Is { r, k })
}

fn divide<const N: usize>(
    machine: &mut Machine<'_>,
    dividend: &BigUint,
    divisor: &BigUint,
    quotient: [&CellRef; N],
    remainder: [&CellRef; 2],
) -> Result<(), HintError> {
    if divisor.is_zero() {
        return Err(failed("a division by zero"));
    }
    let (of_quotient, of_remainder) = dividend.div_rem(divisor);
    write(machine, quotient, of_quotient)?;
    write(machine, remainder, of_remainder)
}

/// The number whose limbs are these operands.
fn joined(machine: &Machine<'_>, limbs: &[&ResOperand]) -> Result<BigUint, HintError> {
    let mut number = BigUint::zero();
    for limb in limbs.iter().rev() {
        number = (number << LIMB) + machine.integer(limb)?;
    }
    Ok(number)
}

fn write<const N: usize>(
    machine: &mut Machine<'_>,
    cells: [&CellRef; N],
    number: BigUint,
) -> Result<(), HintError> {
    for (cell, limb) in cells.into_iter().zip(split::<N>(number)) {
        machine.set(cell, limb)?;
    }
    Ok(())
}

/// The limbs of a number. The last one has all that is left.
pub(super) fn split<const N: usize>(mut number: BigUint) -> [Felt252; N] {
    let limb = BigUint::one() << LIMB;
    std::array::from_fn(|i| {
        if i + 1 == N {
            return Felt252::from(&number);
        }
        let (rest, low) = number.div_rem(&limb);
        number = rest;
        Felt252::from(&low)
    })
}
