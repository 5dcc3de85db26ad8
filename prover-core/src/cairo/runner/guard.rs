//! Turns panics of the virtual machine, a third-party crate, into errors.

use super::RunError;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs an action and returns an error if it panics. `AssertUnwindSafe` holds because no state of a machine that
/// panicked is used again.
pub(super) fn guarded<T>(action: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| Err(RunError::Machine(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let result = guarded::<()>(|| panic!("at {}", 7));
        assert!(matches!(result, Err(RunError::Machine(why)) if why.contains("at 7")));
        assert!(matches!(guarded(|| Ok(3)), Ok(3)));
    }
}
