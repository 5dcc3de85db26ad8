//! What a machine can do: its CPU and memory as found, and the rates it reaches as measured.

mod advice;
mod cpu;
mod memory;
mod rates;

pub use advice::Warning;
pub use cpu::{Cache, Cpu};
pub use memory::{Memory, peak_resident_bytes};
pub use rates::Rates;

use serde::{Deserialize, Serialize};

/// What was found on the machine this runs on. What the system does not tell is `None` or empty.
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
    /// Looks at the machine without loading it.
    pub fn look() -> Self {
        Self {
            cpu: Cpu::probe(),
            memory: Memory::probe(),
            optimised: !cfg!(debug_assertions),
            rates: None,
        }
    }

    /// Looks at the machine and measures it, which takes about two seconds.
    pub fn measure() -> Self {
        Self {
            rates: Some(Rates::measure()),
            ..Self::look()
        }
    }

    /// What stands in the way of fast proofs here, and what to do about it.
    pub fn warnings(&self) -> Vec<Warning> {
        advice::warnings(self)
    }
}
