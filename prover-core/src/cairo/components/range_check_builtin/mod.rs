//! Component `range_check_builtin`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("range_check", "range_check_builtin/mem/addr", 1);

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
