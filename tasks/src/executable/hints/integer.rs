//! Hints of comparisons, and of integers that fit a felt.

use super::machine::Machine;
use super::misplaced;
use super::wide::split;
use crate::machine::failed;
use cairo_lang_casm::hints::CoreHint;
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_integer::Integer;
use num_traits::Zero;

pub(super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::TestLessThan { lhs, rhs, dst } => {
            let is_less = machine.number(lhs)? < machine.number(rhs)?;
            machine.set_flag(dst, is_less)
        }
        // These also compare pointers.
        CoreHint::TestLessThanOrEqual { lhs, rhs, dst }
        | CoreHint::TestLessThanOrEqualAddress { lhs, rhs, dst } => {
            let is_at_most = machine.value(lhs)? <= machine.value(rhs)?;
            machine.set_flag(dst, is_at_most)
        }
        CoreHint::WideMul128 { lhs, rhs, high, low } => {
            let product = machine.integer(lhs)? * machine.integer(rhs)?;
            let [of_low, of_high] = split(product);
            machine.set(high, of_high)?;
            machine.set(low, of_low)
        }
        CoreHint::DivMod {
            lhs,
            rhs,
            quotient,
            remainder,
        } => {
            let divisor = machine.integer(rhs)?;
            if divisor.is_zero() {
                return Err(failed("a division by zero"));
            }
            let (of_quotient, of_remainder) = machine.integer(lhs)?.div_rem(&divisor);
            machine.set(quotient, Felt252::from(&of_quotient))?;
            machine.set(remainder, Felt252::from(&of_remainder))
        }
        CoreHint::SquareRoot { value, dst } => {
            let root = machine.integer(value)?.sqrt();
            machine.set(dst, Felt252::from(&root))
        }
        _ => Err(misplaced()),
    }
}
