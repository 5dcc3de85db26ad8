//! Hints of dictionaries: what a dictionary has, and where it lies.
//!
//! A dictionary is a list of accesses in the memory; the program checks it when it squashes it. The hints know only the
//! value that each key has now.

pub(super) mod squash;

use super::machine::Machine;
use super::misplaced;
use crate::machine::failed;
use cairo_lang_casm::hints::CoreHint;
use cairo_lang_casm::operand::{CellRef, ResOperand};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
pub(in super::super) use squash::Squash;
use std::collections::HashMap;

/// Number of cells of an access: the key, the value before, the value after.
const ACCESS: usize = 3;
/// Number of cells that the arena has for a dictionary.
const INFO: usize = 3;

/// The dictionaries of a run, by the segment in which their accesses lie.
#[derive(Default)]
pub(in super::super) struct Dicts(HashMap<isize, Dict>);

/// A dictionary.
struct Dict {
    /// Its number.
    index: usize,
    /// Its values. A key that is not there has the value 0.
    values: HashMap<Felt252, MaybeRelocatable>,
}

impl Dicts {
    fn of(&mut self, access: Relocatable) -> Result<&mut Dict, HintError> {
        let dict = self.0.get_mut(&access.segment_index);
        dict.ok_or_else(|| failed(format!("{access} lies in no dictionary")))
    }
}

impl Dict {
    fn get(&self, key: &Felt252) -> MaybeRelocatable {
        let value = self.values.get(key).cloned();
        value.unwrap_or_else(|| Felt252::from(0).into())
    }
}

pub(super) fn execute(hint: &CoreHint, machine: &mut Machine<'_>) -> Result<(), HintError> {
    match hint {
        CoreHint::AllocFelt252Dict { segment_arena_ptr } => allocate(machine, segment_arena_ptr),
        CoreHint::Felt252DictEntryInit { dict_ptr, key } => {
            let (access, key) = (machine.pointer(dict_ptr)?, machine.number(key)?);
            let value = machine.state()?.dicts.of(access)?.get(&key);
            machine.set_at((access + 1)?, value)
        }
        CoreHint::Felt252DictEntryUpdate { dict_ptr, value } => {
            let behind = machine.pointer(dict_ptr)?;
            let key = machine.number_at((behind - ACCESS)?)?;
            let value = machine.value(value)?;
            machine.state()?.spend(ACCESS)?;
            machine.state()?.dicts.of(behind)?.values.insert(key, value);
            Ok(())
        }
        CoreHint::GetSegmentArenaIndex {
            dict_end_ptr,
            dict_index,
        } => {
            let end = machine.pointer(dict_end_ptr)?;
            let index = machine.state()?.dicts.of(end)?.index;
            machine.set(dict_index, Felt252::from(index))
        }
        _ => Err(misplaced()),
    }
}

/// Adds a dictionary. All but the first lie in temporary segments, which are joined at the end of the run.
fn allocate(machine: &mut Machine<'_>, arena: &ResOperand) -> Result<(), HintError> {
    let arena = machine.pointer(arena)?;
    let infos = machine.pointer_at((arena - 3)?)?;
    let n_dicts = machine.number_at((arena - 2)?)?;
    let index = machine.state()?.dicts.0.len();
    if n_dicts != Felt252::from(index) {
        return Err(failed(format!(
            "the arena has {n_dicts} dictionaries, not {index}"
        )));
    }
    let segment = match index {
        0 => machine.add_segment()?,
        _ => {
            machine.state()?.spend_segment()?;
            machine.vm.add_temporary_segment()
        }
    };
    let dict = Dict {
        index,
        values: HashMap::new(),
    };
    machine.state()?.dicts.0.insert(segment.segment_index, dict);
    machine.set_at((infos + INFO * index)?, segment)
}

/// Reads a value (older compilers).
pub(super) fn read(
    machine: &mut Machine<'_>,
    dict: &ResOperand,
    key: &ResOperand,
    value: &CellRef,
) -> Result<(), HintError> {
    let (access, key) = (machine.pointer(dict)?, machine.number(key)?);
    let found = machine.state()?.dicts.of(access)?.get(&key);
    machine.set(value, found)
}

/// Sets a value, and writes the value before to the access (older compilers).
pub(super) fn write(
    machine: &mut Machine<'_>,
    dict: &ResOperand,
    key: &ResOperand,
    value: &ResOperand,
) -> Result<(), HintError> {
    let (access, key) = (machine.pointer(dict)?, machine.number(key)?);
    let value = machine.value(value)?;
    machine.state()?.spend(ACCESS)?;
    let dict = machine.state()?.dicts.of(access)?;
    let before = dict.get(&key);
    dict.values.insert(key, value);
    machine.set_at((access + 1)?, before)
}
