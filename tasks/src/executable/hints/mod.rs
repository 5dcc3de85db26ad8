//! The hints of Cairo's compiler: what each of them writes.

mod circuit;
pub(super) mod dict;
mod external;
pub(super) mod field;
mod integer;
mod machine;
mod memory;
mod wide;

use self::machine::Machine;
use crate::machine::failed;
use cairo_lang_casm::hints::{CoreHint, CoreHintBase, DeprecatedHint, Hint};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::vm::errors::hint_errors::HintError;

/// The function of a hint.
pub(super) fn function(hint: Hint) -> HintFunc {
    HintFunc(Box::new(move |vm, scopes, _, _, _| {
        execute(&hint, &mut Machine { vm, scopes })
    }))
}

fn execute(hint: &Hint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        Hint::Core(CoreHintBase::Core(hint)) => core(hint, machine),
        Hint::Core(CoreHintBase::Deprecated(hint)) => deprecated(hint, machine),
        Hint::External(hint) => external::execute(hint, machine),
        Hint::Starknet(_) => Err(failed("a hint of Starknet")),
    }
}

/// Hints of today's compiler, each in the module of its kind.
fn core(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    use CoreHint as H;
    match hint {
        H::AllocSegment { .. } | H::AllocConstantSize { .. } => memory::execute(hint, machine),
        // What a program prints is of no concern to the proof.
        H::DebugPrint { .. } => Ok(()),
        H::TestLessThan { .. }
        | H::TestLessThanOrEqual { .. }
        | H::TestLessThanOrEqualAddress { .. }
        | H::DivMod { .. }
        | H::SquareRoot { .. }
        | H::WideMul128 { .. } => integer::execute(hint, machine),
        H::Uint256DivMod { .. }
        | H::Uint512DivModByUint256 { .. }
        | H::Uint256SquareRoot { .. }
        | H::U256InvModN { .. } => wide::execute(hint, machine),
        H::LinearSplit { .. }
        | H::FieldSqrt { .. }
        | H::RandomEcPoint { .. }
        | H::AssertLeFindSmallArcs { .. }
        | H::AssertLeIsFirstArcExcluded { .. }
        | H::AssertLeIsSecondArcExcluded { .. } => field::execute(hint, machine),
        H::AllocFelt252Dict { .. }
        | H::Felt252DictEntryInit { .. }
        | H::Felt252DictEntryUpdate { .. }
        | H::GetSegmentArenaIndex { .. } => dict::execute(hint, machine),
        H::InitSquashData { .. }
        | H::GetCurrentAccessIndex { .. }
        | H::ShouldSkipSquashLoop { .. }
        | H::GetCurrentAccessDelta { .. }
        | H::ShouldContinueSquashLoop { .. }
        | H::GetNextDictKey { .. } => dict::squash::execute(hint, machine),
        H::EvalCircuit {
            n_add_mods,
            add_mod_builtin,
            n_mul_mods,
            mul_mod_builtin,
        } => {
            let add = (add_mod_builtin, n_add_mods);
            circuit::evaluate(machine, add, (mul_mod_builtin, n_mul_mods))
        }
    }
}

/// Hints of older compilers.
fn deprecated(hint: &DeprecatedHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    use DeprecatedHint as H;
    match hint {
        // These only check what the hints before them found.
        H::AssertCurrentAccessIndicesIsEmpty
        | H::AssertAllAccessesUsed { .. }
        | H::AssertAllKeysUsed
        | H::AssertLeAssertThirdArcExcluded
        | H::AssertLtAssertValidInput { .. } => Ok(()),
        H::Felt252DictRead {
            dict_ptr,
            key,
            value_dst,
        } => dict::read(machine, dict_ptr, key, value_dst),
        H::Felt252DictWrite { dict_ptr, key, value } => dict::write(machine, dict_ptr, key, value),
    }
}

/// The error for a hint that a module does not have. No program can cause it.
fn misplaced() -> HintError {
    failed("the hint is of another kind")
}
