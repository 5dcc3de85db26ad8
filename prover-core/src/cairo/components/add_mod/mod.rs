//! Component `add_mod`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("add_mod", "add_mod/p0/addr", 7);

/// The component.
pub(super) const COMPONENT: Component = Component {
    element: Some(constraints::ELEMENT),
    ..Component::of_builtin(BUILTIN, constraints::constrain)
};
