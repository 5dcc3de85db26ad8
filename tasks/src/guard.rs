//! Turns panics of the virtual machine, a third-party crate, into errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs an action. If it panics, returns the error that `panicked` makes of the message. `AssertUnwindSafe` holds because
/// no state of a machine that panicked is used again.
///
/// # Errors
/// That of the action, or that of `panicked`.
pub fn guarded<T, E>(
    action: impl FnOnce() -> Result<T, E>,
    panicked: impl FnOnce(String) -> E,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| Err(panicked(message(&*panic))))
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
        let result = guarded::<(), _>(|| panic!("at {}", 7), |why| why);
        assert!(matches!(result, Err(why) if why.contains("at 7")));
        assert_eq!(guarded(|| Ok(3), |why| why), Ok(3));
    }
}
