//! Component `range_check96_builtin`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("range_check96", "range_check96_builtin/mem/addr", 1);

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
