//! Hints of the loop that squashes a dictionary: it goes through the keys in order, and through the accesses of each.

use super::super::machine::Machine;
use super::super::misplaced;
use super::ACCESS;
use crate::machine::failed;
use cairo_lang_casm::hints::CoreHint;
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_bigint::BigUint;
use num_traits::One;
use std::collections::BTreeMap;

/// The accesses that are left, by key. The first key is the current one. The numbers of its accesses are in reverse
/// order, so the last number is the current one.
#[derive(Default)]
pub(in super::super::super) struct Squash(BTreeMap<Felt252, Vec<usize>>);

impl Squash {
    fn key(&self) -> Result<Felt252, HintError> {
        let first = self.0.first_key_value();
        first.map(|(key, _)| *key).ok_or_else(none_left)
    }

    fn accesses(&mut self) -> Result<&mut Vec<usize>, HintError> {
        Ok(self.0.first_entry().ok_or_else(none_left)?.into_mut())
    }

    /// The number of the current access.
    fn access(&mut self) -> Result<usize, HintError> {
        self.accesses()?.last().copied().ok_or_else(none_left)
    }
}

pub(in super::super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::InitSquashData {
            dict_accesses,
            n_accesses,
            big_keys,
            first_key,
            ..
        } => {
            let accesses = machine.pointer(dict_accesses)?;
            let n_accesses = machine.size(n_accesses)?;
            machine.state()?.spend(n_accesses)?;
            let mut by_key = BTreeMap::new();
            for i in (0..n_accesses).rev() {
                let key = machine.number_at((accesses + i.saturating_mul(ACCESS))?)?;
                by_key.entry(key).or_insert_with(Vec::new).push(i);
            }
            let (first, _) = by_key.first_key_value().ok_or_else(none_left)?;
            let (last, _) = by_key.last_key_value().ok_or_else(none_left)?;
            let (first, is_big) = (*first, last.to_biguint() >= BigUint::one() << 128);
            machine.state()?.squash = Squash(by_key);
            machine.set_flag(big_keys, is_big)?;
            machine.set(first_key, first)
        }
        CoreHint::GetCurrentAccessIndex { range_check_ptr } => {
            let address = machine.pointer(range_check_ptr)?;
            let access = machine.state()?.squash.access()?;
            machine.set_at(address, Felt252::from(access))
        }
        // The program compares neighbours, so it stops when one access is left.
        CoreHint::ShouldSkipSquashLoop { should_skip_loop } => {
            let is_last = machine.state()?.squash.accesses()?.len() <= 1;
            machine.set_flag(should_skip_loop, is_last)
        }
        CoreHint::ShouldContinueSquashLoop { should_continue } => {
            let is_last = machine.state()?.squash.accesses()?.len() <= 1;
            machine.set_flag(should_continue, !is_last)
        }
        CoreHint::GetCurrentAccessDelta { index_delta_minus1 } => {
            let squash = &mut machine.state()?.squash;
            let before = squash.accesses()?.pop().ok_or_else(none_left)?;
            let delta = squash.access()? - before - 1;
            machine.set(index_delta_minus1, Felt252::from(delta))
        }
        CoreHint::GetNextDictKey { next_key } => {
            let squash = &mut machine.state()?.squash;
            if squash.accesses()?.len() > 1 {
                return Err(failed("the squashed key has accesses left"));
            }
            squash.0.pop_first();
            let key = squash.key()?;
            machine.set(next_key, key)
        }
        _ => Err(misplaced()),
    }
}

fn none_left() -> HintError {
    failed("no access to a dictionary is left to squash")
}
