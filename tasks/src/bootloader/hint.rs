//! What a hint sees: its variables, the machine, and the state of the bootloader.

use super::{HashFunction, Task};
use crate::machine::{failed, scopes_with, state_in};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_constant_from_var_name, get_integer_from_var_name, get_ptr_from_var_name,
    get_relocatable_from_var_name, insert_value_from_var_name, insert_value_into_ap,
};
use cairo_vm::hint_processor::hint_processor_definition::HintReference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use cairo_vm::vm::vm_core::VirtualMachine;
use std::collections::HashMap;
use std::sync::Arc;

/// The name of the [`State`] in the outermost scope.
const STATE: &str = "quarry_bootloader";

/// The state of the bootloader, which its hints share.
pub(super) struct State {
    /// The tasks that are run.
    pub(super) tasks: Arc<[Task]>,
    /// The hash function of the programs of tasks that state none.
    pub(super) program_hash: HashFunction,
    /// The sizes of the pages of each task's output.
    pub(super) pages: Vec<Vec<usize>>,
    /// From the call of a task to where it returns to, in cells.
    pub(super) return_offset: usize,
    /// Which task is run now.
    pub(super) current: usize,
    /// Where the programs lie that were loaded, each with the task that loaded it.
    pub(super) loaded: Vec<(Relocatable, usize)>,
}

impl State {
    /// Puts the state where hints find it.
    pub(super) fn into_scopes(self) -> ExecutionScopes {
        scopes_with(STATE, self)
    }

    /// The state in the scopes of a run.
    pub(super) fn of(scopes: &ExecutionScopes) -> Option<&Self> {
        state_in(scopes, STATE)
    }

    /// The current task.
    pub(super) fn task(&self) -> Result<&Task, HintError> {
        let task = self.tasks.get(self.current);
        task.ok_or_else(|| failed(format!("there is no task {}", self.current)))
    }

    /// The PIE of the current task.
    pub(super) fn pie(&self) -> Result<&CairoPie, HintError> {
        Ok(&self.task()?.pie)
    }

    /// Where the program lies that was loaded last.
    pub(super) fn program(&self) -> Option<Relocatable> {
        self.loaded.last().map(|(program, _)| *program)
    }

    /// The hash function of a task's program.
    pub(super) fn hash_of(&self, task: &Task) -> HashFunction {
        task.hash_function.unwrap_or(self.program_hash)
    }
}

/// A hint that is being executed.
pub(super) struct Hint<'a> {
    pub(super) vm: &'a mut VirtualMachine,
    pub(super) scopes: &'a mut ExecutionScopes,
    pub(super) ids: &'a HashMap<String, HintReference>,
    pub(super) ap: &'a ApTracking,
    pub(super) constants: &'a HashMap<String, Felt252>,
}

impl Hint<'_> {
    /// The value of a variable, a number.
    pub(super) fn number(&self, name: &str) -> Result<Felt252, HintError> {
        get_integer_from_var_name(name, self.vm, self.ids, self.ap)
    }

    /// The value of a variable, a pointer.
    pub(super) fn pointer(&self, name: &str) -> Result<Relocatable, HintError> {
        get_ptr_from_var_name(name, self.vm, self.ids, self.ap)
    }

    /// The address of a variable.
    pub(super) fn address(&self, name: &str) -> Result<Relocatable, HintError> {
        get_relocatable_from_var_name(name, self.vm, self.ids, self.ap)
    }

    /// The value of a constant of the program.
    pub(super) fn constant(&self, name: &'static str) -> Result<Felt252, HintError> {
        get_constant_from_var_name(name, self.constants).copied()
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: impl Into<MaybeRelocatable>) -> Result<(), HintError> {
        insert_value_from_var_name(name, value, self.vm, self.ids, self.ap)
    }

    /// Sets the cell at `ap`.
    pub(super) fn set_ap(&mut self, value: impl Into<MaybeRelocatable>) -> Result<(), HintError> {
        insert_value_into_ap(self.vm, value)
    }

    /// The value of a cell.
    pub(super) fn cell(&self, address: Relocatable) -> Result<MaybeRelocatable, HintError> {
        let value = self.vm.get_maybe(&address);
        value.ok_or_else(|| failed(format!("the memory has no value at {address}")))
    }

    /// The state of the bootloader.
    pub(super) fn state(&mut self) -> Result<&mut State, HintError> {
        self.scopes.get_mut_ref(STATE)
    }
}
