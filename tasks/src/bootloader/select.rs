//! Hints that choose the builtins of a task from all that the bootloader has.

use super::hint::Hint;
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_traits::ToPrimitive;
use std::any::Any;
use std::collections::HashMap;

/// The number of the task's builtins that are still to be found, in the scope of a selection.
const LEFT: &str = "n_selected_builtins";

/// Begins a selection.
pub(super) fn enter_selection(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let n = hint
        .number(LEFT)?
        .to_usize()
        .ok_or(HintError::BigintToUsizeFail)?;
    enter_selection_of(hint, n);
    Ok(())
}

/// Begins a selection of `n` builtins.
pub(super) fn enter_selection_of(hint: &mut Hint<'_>, n: usize) {
    let left: Box<dyn Any> = Box::new(n);
    hint.scopes.enter_scope(HashMap::from([(LEFT.to_owned(), left)]));
}

/// Says whether the task has a builtin. Both lists are in the same order, so it is the next of the task's list, or none.
pub(super) fn select_builtin(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let left: usize = hint.scopes.get(LEFT)?;
    let is_selected = match left {
        0 => false,
        _ => {
            let selected = hint.pointer("selected_encodings")?;
            let one_of_all = hint.pointer("all_encodings")?;
            hint.cell(selected)? == hint.cell(one_of_all)?
        }
    };
    if is_selected {
        hint.scopes.insert_value(LEFT, left - 1);
    }
    hint.set("select_builtin", Felt252::from(is_selected))
}
