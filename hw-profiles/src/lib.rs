//! The capabilities of a machine: its detected CPU and memory, and its measured rates.

mod advice;
mod cpu;
mod memory;
mod rates;

pub use advice::Warning;
pub use cpu::{Cache, Cpu};
pub use memory::{Memory, peak_resident_bytes};
pub use rates::Rates;

use serde::{Deserialize, Serialize};

/// The properties of the machine this runs on. Values that the system does not report are `None` or empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The processor.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
    /// Whether this program was compiled with optimisations.
    pub optimised: bool,
    /// Measured rates; `None` if nothing was measured.
    pub rates: Option<Rates>,
}

impl Probe {
    /// Inspects the machine without loading it.
    pub fn look() -> Self {
        Self {
            cpu: Cpu::probe(),
            memory: Memory::probe(),
            optimised: !cfg!(debug_assertions),
            rates: None,
        }
    }

    /// Inspects the machine and measures it, which takes about two seconds.
    pub fn measure() -> Self {
        Self {
            rates: Some(Rates::measure()),
            ..Self::look()
        }
    }

    /// Conditions that make proofs slow on this machine, and what to do about them.
    pub fn warnings(&self) -> Vec<Warning> {
        advice::warnings(self)
    }
}
