//! What all hints of Quarry's own share: the place of their state, and their error.

use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::vm::errors::hint_errors::HintError;

/// Scopes with a state in the outermost one, where hints find it by its name.
pub fn scopes_with<T: 'static>(name: &str, state: T) -> ExecutionScopes {
    let mut scopes = ExecutionScopes::new();
    scopes.insert_value(name, state);
    scopes
}

/// The state of this name in the outermost of these scopes; `None` if it is not there.
pub fn state_in<'a, T: 'static>(scopes: &'a ExecutionScopes, name: &str) -> Option<&'a T> {
    scopes.data.first()?.get(name)?.downcast_ref()
}

/// The error of a hint.
pub fn failed(why: impl Into<String>) -> HintError {
    HintError::CustomHint(why.into().into_boxed_str())
}
