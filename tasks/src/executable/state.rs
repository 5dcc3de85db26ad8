//! What the hints of a run share.

use super::hints::dict::{Dicts, Squash};
use super::hints::field::Arc;
use crate::machine::{failed, scopes_with, state_in};
use cairo_vm::Felt252;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;

/// The name of the [`State`] in the outermost scope.
const STATE: &str = "quarry_executable";

/// Number of cells that a step accesses. Hints that access more than all steps could are stopped.
const CELLS_OF_A_STEP: usize = 4;

/// As how many cells a square root in the field counts. It takes as long as hundreds of steps.
const CELLS_OF_A_SEARCH: usize = 1024;

/// What the hints of a run share.
pub(super) struct State {
    /// The arguments of `main`.
    pub(super) arguments: Vec<Felt252>,
    /// What the program returned or panicked with.
    pub(super) marker: Option<Marker>,
    /// The dictionaries.
    pub(super) dicts: Dicts,
    /// The dictionary that is being squashed.
    pub(super) squash: Squash,
    /// The longest of the three arcs of the last comparison.
    pub(super) excluded_arc: Option<Arc>,
    /// Where the next object of constant size goes.
    pub(super) next_object: Option<Relocatable>,
    /// Number of points that were chosen on the curve.
    pub(super) n_points: u64,
    /// Number of cells that hints may still access.
    budget: usize,
    /// The largest offset in a segment to which a hint may write.
    max_offset: usize,
}

/// A range of cells: what `main` returned or panicked with.
#[derive(Clone, Copy)]
pub(super) struct Marker {
    /// The pc of the hint. There the program fails if it panicked.
    pub(super) pc: Relocatable,
    /// The first cell.
    pub(super) start: Relocatable,
    /// Behind the last cell.
    pub(super) end: Relocatable,
}

impl State {
    /// The state of a run of at most so many steps.
    pub(super) fn new(arguments: Vec<Felt252>, max_steps: usize) -> Self {
        let budget = max_steps.saturating_mul(CELLS_OF_A_STEP);
        Self {
            arguments,
            marker: None,
            dicts: Dicts::default(),
            squash: Squash::default(),
            excluded_arc: None,
            next_object: None,
            n_points: 0,
            budget,
            max_offset: budget,
        }
    }

    /// Puts the state where hints find it.
    pub(super) fn into_scopes(self) -> ExecutionScopes {
        scopes_with(STATE, self)
    }

    /// The state in the scopes of a run; `None` if the run is none of an executable.
    pub(super) fn of(scopes: &ExecutionScopes) -> Option<&Self> {
        state_in(scopes, STATE)
    }

    /// The state in the scopes of a run.
    pub(super) fn of_mut(scopes: &mut ExecutionScopes) -> Result<&mut Self, HintError> {
        scopes.get_mut_ref(STATE)
    }

    /// Refuses an address that is so far from the start of its segment that no run of so many steps fills it up to
    /// there. (The machine takes memory up to a written cell.)
    pub(super) fn check_offset(&self, address: Relocatable) -> Result<(), HintError> {
        match address.offset <= self.max_offset {
            true => Ok(()),
            false => Err(failed(format!("a hint writes too far, to {address}"))),
        }
    }

    /// Counts a new segment, as what a step could write.
    pub(super) fn spend_segment(&mut self) -> Result<(), HintError> {
        self.spend(CELLS_OF_A_STEP)
    }

    /// The square root of a number, if there is one.
    pub(super) fn root(&mut self, number: Felt252) -> Result<Option<Felt252>, HintError> {
        self.spend_search()?;
        Ok(number.sqrt())
    }

    /// Counts the search for a root or an inverse, as the cells that could be accessed meanwhile.
    pub(super) fn spend_search(&mut self) -> Result<(), HintError> {
        self.spend(CELLS_OF_A_SEARCH)
    }

    /// Counts cells that a hint accesses.
    pub(super) fn spend(&mut self, cells: usize) -> Result<(), HintError> {
        let left = self.budget.checked_sub(cells);
        self.budget = left.ok_or_else(|| failed("the hints access more cells than the steps could"))?;
        Ok(())
    }
}
