//! Facts as the Integrity contracts register them on Starknet. Source: Integrity 2.1, `src/lib_utils.cairo`,
//! `src/settings.cairo`, `src/stark.cairo`.

mod cells;

pub use cells::{CellsError, HashedCells, hashed_cells};

use super::short_string;
use crate::cairo::run::RunMode;
use crate::parameters::Parameters;
use crate::profiles::{INTEGRITY_BLAKE248, INTEGRITY_KECCAK160, Profile};
use quarry_kernels::hash::poseidon;
use quarry_kernels::{Felt, Hash};

/// How the contracts check the public memory before they hash it: the setting `memory_verification`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryVerification {
    /// A whole run of a Cairo 0 program with the layout's builtins in order.
    Strict,
    /// The program and the output are where the segments say; nothing else is checked.
    Relaxed,
    /// Everything before the output is the program.
    Cairo1,
}

impl MemoryVerification {
    /// The setting for runs of a mode; `None` if the mode is not one of Integrity's.
    pub fn of(mode: RunMode) -> Option<Self> {
        match mode {
            RunMode::Strict => Some(Self::Strict),
            RunMode::Relaxed => Some(Self::Relaxed),
            RunMode::Cairo1 => Some(Self::Cairo1),
            RunMode::Whole | RunMode::Any => None,
        }
    }

    /// The name in the contracts' settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => RunMode::Strict.name(),
            Self::Relaxed => RunMode::Relaxed.name(),
            Self::Cairo1 => RunMode::Cairo1.name(),
        }
    }
}

/// Each setting `hasher` that Quarry names, and the profile of the proofs that the contracts accept with it.
const HASHERS: [(&str, Profile); 2] = [
    ("keccak_160_lsb", INTEGRITY_KECCAK160),
    ("blake2s_248_lsb", INTEGRITY_BLAKE248),
];

/// The settings with which the contracts verify a proof. Each enters the configuration hash as a short string.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Configuration {
    /// The layout.
    pub layout: String,
    /// The commitment hash.
    pub hasher: &'static str,
    /// The form of the public input.
    pub stone_version: &'static str,
    /// How the public memory is checked.
    pub memory_verification: &'static str,
}

/// Why the contracts cannot verify a proof under any settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoConfiguration {
    /// A commitment hash that the contracts do not support.
    #[error(
        "Integrity has no setting for commitment_hash {}; it supports {}", found.name(),
        HASHERS.map(|(_, profile)| profile.commitment_hashes.bottom.name()).join(" and ")
    )]
    Hash {
        /// The proof's.
        found: Hash,
    },
    /// A layout that the contracts do not support.
    #[error("Integrity has no verifier for layout '{found}'; it has {}", supported.join(", "))]
    Layout {
        /// The proof's.
        found: String,
        /// Those that they support.
        supported: &'static [&'static str],
    },
    /// Parameters that the contracts reject: what is wrong with them.
    #[error("Integrity does not accept these parameters: {0}")]
    Parameters(String),
}

impl Configuration {
    /// The settings for proofs with these parameters.
    ///
    /// # Errors
    /// [`NoConfiguration`] if the contracts do not accept such a proof.
    pub fn of(
        layout: &str,
        mode: MemoryVerification,
        parameters: &Parameters,
    ) -> Result<Self, NoConfiguration> {
        let found = parameters.commitment_hashes.bottom;
        let known = HASHERS
            .iter()
            .find(|(_, profile)| profile.commitment_hashes.bottom == found);
        let (hasher, profile) = known.ok_or(NoConfiguration::Hash { found })?;
        if let Some(supported) = profile.limits.layouts.filter(|all| !all.contains(&layout)) {
            return Err(NoConfiguration::Layout {
                found: layout.to_owned(),
                supported,
            });
        }
        // Both hashers work with both forms of the public input.
        let profile = Profile {
            stone_version: parameters.stone_version,
            ..*profile
        };
        let objections = profile.objections(parameters);
        if !objections.is_empty() {
            return Err(NoConfiguration::Parameters(objections.join("; ")));
        }
        Ok(Self {
            layout: layout.to_owned(),
            hasher,
            stone_version: parameters.stone_version.name(),
            memory_verification: mode.name(),
        })
    }

    /// The settings, in the contracts' order.
    pub fn names(&self) -> [&str; 4] {
        [
            &self.layout,
            self.hasher,
            self.stone_version,
            self.memory_verification,
        ]
    }

    /// The contracts' `VerifierConfiguration`.
    pub fn settings(&self) -> [Felt; 4] {
        self.names().map(short_string)
    }

    /// The contracts' `verifier_config_hash`.
    pub fn hash(&self) -> Felt {
        poseidon::hash_many(self.settings())
    }
}

/// The security of a proof as the contracts compute it and put it into the verification hash: queries times logarithm
/// of the cosets plus proof of work, whatever the hashes.
pub fn security_bits(parameters: &Parameters) -> u64 {
    parameters.fri.n_queries as u64 * u64::from(parameters.log_n_cosets)
        + u64::from(parameters.fri.proof_of_work_bits)
}

/// The fact that a program with this hash had this output.
pub fn fact(program_hash: Felt, output: &[Felt]) -> Felt {
    poseidon::hash_many([program_hash, poseidon::hash_many(output)])
}

/// The output of the simple bootloader for one task.
pub fn bootloader_output(task_program_hash: Felt, task_output: &[Felt]) -> Vec<Felt> {
    let size = task_output.len() as u64 + 2;
    let head = [Felt::from(1u64), Felt::from(size), task_program_hash];
    [&head, task_output].concat()
}

/// The fact of a program that ran under a bootloader: the contracts' `calculate_bootloaded_fact_hash`.
pub fn bootloaded_fact(bootloader_hash: Felt, task_program_hash: Felt, task_output: &[Felt]) -> Felt {
    fact(
        bootloader_hash,
        &bootloader_output(task_program_hash, task_output),
    )
}

/// The fact of a program that ran under a bootloader, whose proof a wrapper verified under the same bootloader: the
/// contracts' `calculate_wrapped_bootloaded_fact_hash`.
pub fn wrapped_fact(
    wrapper_hash: Felt,
    bootloader_hash: Felt,
    task_program_hash: Felt,
    task_output: &[Felt],
) -> Felt {
    let inner = poseidon::hash_many(bootloader_output(task_program_hash, task_output));
    bootloaded_fact(bootloader_hash, wrapper_hash, &[bootloader_hash, inner])
}

/// The hash under which the contracts register a fact: over the fact, the settings and the security of its proof.
pub fn verification_hash(fact: Felt, configuration: &Configuration, security_bits: u64) -> Felt {
    poseidon::hash_many([fact, configuration.hash(), Felt::from(security_bits)])
}

#[cfg(test)]
mod tests;
