//! Conditions that make proofs slow or make them fail, and what to do about them.

use crate::HardwareProfile;
use serde::{Deserialize, Serialize};

/// Below this, proofs of about 2^16 steps begin to fail.
const LITTLE_MEMORY: u64 = 8 << 30;
/// If less than this share of the memory is available, other programs hold most of it.
const MOSTLY_TAKEN: f64 = 0.25;

/// A condition of the machine that costs speed or makes proofs fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: String,
}

pub(crate) fn warnings(profile: &HardwareProfile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |found: String, advice: &str| {
        warnings.push(Warning {
            found,
            advice: advice.to_owned(),
        });
    };
    if !profile.optimised {
        warn(
            "this is a build with debug assertions".to_owned(),
            "build with `cargo build --release`: proofs are faster",
        );
    }
    if profile.cpu.architecture == "x86_64" && !profile.cpu.has("avx2") {
        warn(
            "the processor (or its virtual machine) has no AVX2".to_owned(),
            "choose a machine of the last ten years, or let the hypervisor pass the host's processor through",
        );
    }
    if profile.cpu.threads == 1 {
        warn(
            "this process may run on one thread only".to_owned(),
            "give it more processors: every phase of a proof but the transcript is parallel",
        );
    }
    if let Some(total) = profile.memory.total_bytes {
        if total < LITTLE_MEMORY {
            warn(
                format!("{:.1} GiB of memory", gibibytes(total)),
                "prove fewer steps at once or take a machine with more memory: \
                 a proof of 2^16 steps takes 2 to 4 GiB and memory grows with the steps",
            );
        }
        let available = profile.memory.available_bytes.unwrap_or(total);
        if (available as f64) < MOSTLY_TAKEN * total as f64 {
            warn(
                format!(
                    "only {:.1} of {:.1} GiB of memory are available",
                    gibibytes(available),
                    gibibytes(total)
                ),
                "stop other programs before a large proof",
            );
        }
    }
    warnings
}

fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cpu, HostMemory};

    fn good() -> HardwareProfile {
        HardwareProfile {
            cpu: Cpu {
                model: None,
                architecture: "x86_64".to_owned(),
                cores: Some(8),
                threads: 16,
                features: vec!["avx2".to_owned()],
                caches: Vec::new(),
            },
            memory: HostMemory {
                total_bytes: Some(64 << 30),
                available_bytes: Some(60 << 30),
            },
            optimised: true,
            rates: None,
        }
    }

    #[test]
    fn a_good_machine_gets_no_warning() {
        assert_eq!(warnings(&good()), []);
    }

    #[test]
    fn every_lack_is_named() {
        let mut bad = good();
        bad.cpu.features.clear();
        bad.cpu.threads = 1;
        bad.optimised = false;
        bad.memory = HostMemory {
            total_bytes: Some(4 << 30),
            available_bytes: Some(1 << 29),
        };
        let found: Vec<_> = warnings(&bad).into_iter().map(|warning| warning.found).collect();
        for what in ["debug", "AVX2", "one thread", "4.0 GiB", "only 0.5 of 4.0 GiB"] {
            assert!(found.iter().any(|text| text.contains(what)), "{what}: {found:?}");
        }
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn unknown_memory_is_no_reason_to_warn() {
        let mut profile = good();
        profile.memory = HostMemory::default();
        assert_eq!(warnings(&profile), []);
    }
}
