//! Hints of field elements.

use super::machine::Machine;
use super::misplaced;
use crate::machine::failed;
use cairo_lang_casm::hints::CoreHint;
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Zero;

/// The constant of the curve `y^2 = x^3 + x + beta`.
const BETA: &str = "0x6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89";

/// Rounded up: a third and a half of the prime, in units of 2^128. A short arc is at most that long, so its two parts
/// are below 2^128.
const THIRD: u128 = 3_544_607_988_759_775_765_608_368_578_435_044_694;
const HALF: u128 = 5_316_911_983_139_663_648_412_552_867_652_567_041;

/// One of the three arcs into which two numbers cut the field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Arc {
    /// From 0 to the first number.
    First,
    /// From the first to the second.
    Second,
    /// From the second to the end of the field.
    Third,
}

pub(super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::LinearSplit {
            value,
            scalar,
            max_x,
            x,
            y,
        } => {
            let (value, scalar) = (machine.integer(value)?, machine.integer(scalar)?);
            if scalar.is_zero() {
                return Err(failed("a division by zero"));
            }
            let most = machine.integer(max_x)?;
            let of_x = (&value / &scalar).min(most);
            let of_y = value - &of_x * scalar;
            machine.set(x, Felt252::from(&of_x))?;
            machine.set(y, Felt252::from(&of_y))
        }
        CoreHint::FieldSqrt { val, sqrt } => {
            let value = machine.number(val)?;
            // 3 is no square, so one of the two is.
            let state = machine.state()?;
            let root = match state.root(value)? {
                None => state.root(value * Felt252::from(3))?,
                root => root,
            };
            let root = root.ok_or_else(|| failed("no square root"))?;
            machine.set(sqrt, root.min(-root))
        }
        CoreHint::RandomEcPoint { x, y } => {
            let (of_x, of_y) = next_point(machine)?;
            machine.set(x, of_x)?;
            machine.set(y, of_y)
        }
        CoreHint::AssertLeFindSmallArcs {
            range_check_ptr,
            a,
            b,
        } => {
            let (a, b) = (machine.number(a)?, machine.number(b)?);
            let mut arcs = [
                (a, Arc::First),
                (b - a, Arc::Second),
                (-Felt252::from(1) - b, Arc::Third),
            ];
            arcs.sort_unstable();
            let [(shortest, _), (short, _), (_, longest)] = arcs;
            machine.state()?.excluded_arc = Some(longest);
            let mut next = machine.pointer(range_check_ptr)?;
            for (length, unit) in [(shortest, THIRD), (short, HALF)] {
                let (quotient, remainder) = length.to_biguint().div_rem(&BigUint::from(unit));
                for part in [remainder, quotient] {
                    machine.set_at(next, Felt252::from(&part))?;
                    next = (next + 1)?;
                }
            }
            Ok(())
        }
        CoreHint::AssertLeIsFirstArcExcluded { skip_exclude_a_flag } => {
            let is_other = machine.state()?.excluded_arc != Some(Arc::First);
            machine.set_flag(skip_exclude_a_flag, is_other)
        }
        CoreHint::AssertLeIsSecondArcExcluded {
            skip_exclude_b_minus_a,
        } => {
            let is_other = machine.state()?.excluded_arc != Some(Arc::Second);
            machine.set_flag(skip_exclude_b_minus_a, is_other)
        }
        _ => Err(misplaced()),
    }
}

/// A point on the curve that is far from those that programs use. The program takes any, so the points of a run are
/// always the same ones, and so is the proof.
fn next_point(machine: &mut Machine<'_>) -> Result<(Felt252, Felt252), HintError> {
    /// Powers of the field's generator look like random numbers.
    const GENERATOR: u64 = 3;
    const FIRST_EXPONENT: u64 = 1 << 20;
    let beta = Felt252::from_hex(BETA).map_err(|_| failed("the curve's constant"))?;
    let state = machine.state()?;
    loop {
        state.n_points += 1;
        let x = Felt252::from(GENERATOR).pow(u128::from(FIRST_EXPONENT + state.n_points));
        if let Some(y) = state.root(x * x * x + x + beta)? {
            return Ok((x, y));
        }
    }
}
