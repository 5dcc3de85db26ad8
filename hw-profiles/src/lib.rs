//! The capabilities of a machine: its detected CPU and memory, and its measured rates. `quarry doctor` prints them.
//!
//! A [`HardwareProfile`] is data: it can be written on one machine and read on another. Its [`Rates`] are per core, for
//! the work that proofs consist of. Its [`Warning`]s name what makes proofs slow or makes them fail, and what to do
//! about it.
//!
//! ```
//! use quarry_hw_profiles::HardwareProfile;
//!
//! # fn main() -> Result<(), serde_json::Error> {
//! // Two seconds of measurement; `HardwareProfile::probe` only looks.
//! let profile = HardwareProfile::measure();
//! for warning in profile.warnings() {
//!     println!("{}: {}", warning.found, warning.advice);
//! }
//! let text = serde_json::to_string_pretty(&profile)?;
//!
//! let read: HardwareProfile = serde_json::from_str(&text)?;
//! assert_eq!(read.cpu, profile.cpu);
//! for (name, per_second) in read.rates.iter().flat_map(|rates| rates.on_one_core()) {
//!     println!("{name}: {per_second:?}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Elsewhere in the workspace a profile (`--profile`) is a verifier's: the parameters that it accepts. The rates of GPUs
//! are measured by `benches/device-table`, which writes them to `results/`.

mod advice;
mod cpu;
mod memory;
mod rates;

pub use advice::Warning;
pub use cpu::{Cache, Cpu};
pub use memory::{HostMemory, peak_resident_bytes};
pub use rates::Rates;

use serde::{Deserialize, Serialize};

/// The properties of a machine. Values that its system does not report are `None` or empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HardwareProfile {
    /// The processor.
    pub cpu: Cpu,
    /// The memory.
    pub memory: HostMemory,
    /// Whether the program that made the profile was compiled with optimisations.
    pub optimised: bool,
    /// Measured rates; `None` if nothing was measured.
    pub rates: Option<Rates>,
}

impl HardwareProfile {
    /// Inspects this machine without loading it.
    pub fn probe() -> Self {
        Self {
            cpu: Cpu::probe(),
            memory: HostMemory::probe(),
            optimised: !cfg!(debug_assertions),
            rates: None,
        }
    }

    /// Inspects this machine and measures it, which takes about two seconds.
    pub fn measure() -> Self {
        Self {
            rates: Some(Rates::measure()),
            ..Self::probe()
        }
    }

    /// Conditions that make proofs slow on this machine, and what to do about them.
    pub fn warnings(&self) -> Vec<Warning> {
        advice::warnings(self)
    }
}
