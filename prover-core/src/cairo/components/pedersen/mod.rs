//! Component `pedersen`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("pedersen", "pedersen/input0/addr", 3);

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
