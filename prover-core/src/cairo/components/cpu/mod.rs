//! Component `cpu`.

pub mod constraints;
#[cfg(feature = "prover")]
mod extension;
#[cfg(feature = "prover")]
mod instruction;
#[cfg(feature = "prover")]
pub mod witness;

#[cfg(feature = "prover")]
pub use self::extension::OpcodeExtension;

use super::component::Component;

/// The component.
pub(super) const COMPONENT: Component = Component::new("cpu/decode/pc", constraints::constrain);
