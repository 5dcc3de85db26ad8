//! Turns panics of the virtual machine into errors of the run.

use super::RunError;
use quarry_tasks::guard;

/// Runs an action and returns an error if it panics.
pub(super) fn guarded<T>(action: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    guard::guarded(action, RunError::Machine)
}
