//! Named proof profiles: what a verifier accepts, as data, and the resulting parameters for a number of steps and a
//! security target.

mod limits;

pub use limits::Limits;

use crate::cairo::layouts::CPU_COMPONENT_HEIGHT;
use crate::cairo::public_input::PublicInput;
use crate::cairo::run::{CANONICAL_BUILTINS, Run, Slots};
use crate::parameters::{CommitmentHashes, FriParameters, Parameters, StoneVersion};
use quarry_kernels::Hash;

/// The default security target in bits.
pub const DEFAULT_SECURITY_BITS: u32 = 96;

/// A named profile. Its numbers are chosen within its verifier's limits.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// The verifiers of such proofs, in one line.
    pub purpose: &'static str,
    /// What its verifier accepts.
    pub limits: &'static Limits,
    /// Whether the verifier reads the proof's annotations.
    pub annotations: bool,
    /// Hashes of the Merkle layers.
    pub commitment_hashes: CommitmentHashes,
    /// Whether, instead of a fixed number of layers, all layers get the top hash except the rows of the trace tables
    /// (the layer with the most cells).
    pub top_hash_above_rows: bool,
    /// Whether out-of-domain values are sent as one span and the seed is hashed with the verifier-friendly hash.
    pub verifier_friendly_channel_updates: bool,
    /// Hash of the transcript.
    pub channel_hash: Hash,
    /// Hash of the proof of work.
    pub pow_hash: Hash,
    /// Hash of pages of public memory.
    pub page_hash: Hash,
    /// The form of the public input that opens the transcript.
    pub stone_version: StoneVersion,
    /// Logarithm of the blowup factor. Proving time grows with the factor; the number of queries falls with its
    /// logarithm.
    pub log_n_cosets: u32,
    /// Bits of proof of work.
    pub proof_of_work_bits: u32,
    /// The maximum useful number of queries: beyond it a larger blowup is cheaper.
    pub max_queries: u32,
}

/// All profiles; the first is the default.
pub const PROFILES: &[Profile] = &[
    INTEGRITY_KECCAK160,
    Profile {
        name: "integrity-stone5-keccak160",
        purpose: "Integrity on Starknet, swiftness (keccak_160_lsb, stone5)",
        stone_version: StoneVersion::Stone5,
        ..INTEGRITY_KECCAK160
    },
    INTEGRITY_BLAKE248,
    CAIRO_VERIFIER,
    // The parameters of SHARP's root proofs as reported: 11 queries x log blowup 6 + 30 bits of proof of work = 96.
    // Hashes and the form of the public input are those that the contracts compute.
    Profile {
        name: "l1-sharp",
        purpose: "settlement on Ethereum through SHARP's contracts (stone5)",
        limits: &limits::SHARP,
        stone_version: StoneVersion::Stone5,
        log_n_cosets: 6,
        proof_of_work_bits: 30,
        max_queries: 48,
        ..STONE
    },
    STONE,
    // Quarry's choice: the smallest blowup and little proof of work.
    Profile {
        name: "dev",
        purpose: "development: quick to make, large, for Stone's own verifier",
        log_n_cosets: 1,
        proof_of_work_bits: 8,
        max_queries: 256,
        ..STONE
    },
];

/// Hashes: Integrity's setting `keccak_160_lsb`, with the Poseidon channel and the Pedersen page hash that it requires.
/// Quarry's choices: log blowup 3 with 21 bits of proof of work, so that 25 queries give 96 bits; Poseidon on nine
/// Merkle layers, of which queries share most nodes, and the cheaper hash below.
pub(crate) const INTEGRITY_KECCAK160: Profile = Profile {
    name: "integrity-stone6-keccak160",
    purpose: "Integrity on Starknet, swiftness (keccak_160_lsb, stone6)",
    limits: &limits::INTEGRITY,
    annotations: true,
    commitment_hashes: CommitmentHashes {
        top: Hash::Poseidon3,
        bottom: Hash::Keccak256Masked160Lsb,
        n_top_layers: 9,
    },
    top_hash_above_rows: false,
    verifier_friendly_channel_updates: true,
    channel_hash: Hash::Poseidon3,
    pow_hash: Hash::Keccak256,
    page_hash: Hash::Pedersen,
    stone_version: StoneVersion::Stone6,
    log_n_cosets: 3,
    proof_of_work_bits: 21,
    max_queries: 96,
};

/// The same for Integrity's setting `blake2s_248_lsb`.
pub(crate) const INTEGRITY_BLAKE248: Profile = Profile {
    name: "integrity-stone6-blake248",
    purpose: "Integrity on Starknet, swiftness (blake2s_248_lsb, stone6)",
    commitment_hashes: CommitmentHashes {
        bottom: Hash::Blake256Masked248Lsb,
        ..INTEGRITY_KECCAK160.commitment_hashes
    },
    pow_hash: Hash::Blake256,
    ..INTEGRITY_KECCAK160
};

/// StarkWare's verifiers of Stone's proofs that are written in Cairo 0. Quarry's choices: Poseidon above the rows of the
/// tables, because the programs compute Blake2s with bit operations. (Poseidon for the rows as well saves them steps, but
/// mostly none after padding, and costs the prover three times as many hashes.) Log blowup 3 with the least proof of work
/// that they accept, so that 22 queries give 96 bits.
pub(crate) const CAIRO_VERIFIER: Profile = Profile {
    name: "cairo-verifier",
    purpose: "StarkWare's verifiers in Cairo 0, and so `quarry wrap`",
    limits: &limits::CAIRO_VERIFIER,
    top_hash_above_rows: true,
    proof_of_work_bits: 30,
    max_queries: 48,
    ..INTEGRITY_BLAKE248
};

/// Stone's defaults where its parameter file says nothing. Log blowup 4 and 24 bits of proof of work, with which 18
/// queries give 96 bits, are those of its examples.
const STONE: Profile = Profile {
    name: "stone",
    purpose: "Stone's own verifier, with Stone's defaults",
    limits: &limits::STONE,
    annotations: false,
    commitment_hashes: CommitmentHashes {
        top: Hash::Keccak256Masked160Msb,
        bottom: Hash::Keccak256Masked160Msb,
        n_top_layers: 0,
    },
    top_hash_above_rows: false,
    verifier_friendly_channel_updates: false,
    channel_hash: Hash::Keccak256,
    pow_hash: Hash::Keccak256,
    page_hash: Hash::Keccak256,
    stone_version: StoneVersion::Stone6,
    log_n_cosets: 4,
    proof_of_work_bits: 24,
    max_queries: 96,
};

/// Degree bits that are left to the last FRI layer, if the trace is long enough: within every verifier's limit, and the
/// bound of Stone's examples.
const LOG_LAST_LAYER: u32 = 6;
/// The largest FRI step: above it, the rows of the layers cost more than the saved layers. Integrity and SHARP accept
/// no larger step.
const MAX_FRI_STEP: u32 = 4;

/// Why a profile, a layout or parameters cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// No profile has this name.
    #[error("unknown profile '{name}'; known profiles are {}", names(PROFILES))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The profile's verifier does not support the layout.
    #[error(
        "the verifier of profile '{profile}' does not support layout '{layout}'; profiles that allow it are {}",
        profiles_of(layout).join(", ")
    )]
    Layout {
        /// The profile's name.
        profile: &'static str,
        /// The layout's name.
        layout: String,
    },
    /// The statement has continuous pages, which the profile's verifier does not accept.
    #[error("the verifier of profile '{profile}' does not accept public memory with continuous pages")]
    Pages {
        /// The profile's name.
        profile: &'static str,
    },
    /// Parameters outside the limits of the profile's verifier.
    #[error("profile '{profile}': these parameters are rejected by {verifier}: {objections}")]
    Limits {
        /// The profile's name.
        profile: &'static str,
        /// Its verifier.
        verifier: &'static str,
        /// What is wrong with the parameters.
        objections: String,
    },
    /// A number of steps that no proof can have.
    #[error("{n_steps} steps: the number of steps must be a power of two, at most 2^{MAX_LOG_STEPS}")]
    Steps {
        /// The number of steps.
        n_steps: u64,
    },
    /// The profile cannot give the requested security.
    #[error("profile '{profile}' gives at most {most} bits of security, {asked} were requested")]
    Security {
        /// The profile's name.
        profile: &'static str,
        /// The target.
        asked: u32,
        /// The security with the maximum number of queries.
        most: u32,
    },
}

/// More steps than any machine can prove; below the limits of the parameters.
const MAX_LOG_STEPS: u32 = 32;

/// The names of the profiles whose verifiers support a layout.
pub fn profiles_of(layout: &str) -> Vec<&'static str> {
    let knowing = PROFILES.iter().filter(|profile| profile.allows(layout));
    knowing.map(|profile| profile.name).collect()
}

fn names<'a>(profiles: impl IntoIterator<Item = &'a Profile>) -> String {
    let names: Vec<_> = profiles.into_iter().map(|profile| profile.name).collect();
    names.join(", ")
}

impl Profile {
    /// The profile called `name`.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`].
    pub fn by_name(name: &str) -> Result<&'static Self, ProfileError> {
        let found = PROFILES.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| ProfileError::Unknown {
            name: name.to_owned(),
        })
    }

    /// The default profile: one for verifiers other than Quarry's.
    pub fn default_profile() -> &'static Self {
        &PROFILES[0]
    }

    /// Whether the profile's verifier supports a layout.
    pub fn allows(&self, layout: &str) -> bool {
        self.limits
            .layouts
            .is_none_or(|layouts| layouts.contains(&layout))
    }

    /// Checks that the profile's verifier supports a layout.
    ///
    /// # Errors
    /// [`ProfileError::Layout`].
    pub fn check_layout(&self, layout: &str) -> Result<(), ProfileError> {
        if self.allows(layout) {
            return Ok(());
        }
        Err(ProfileError::Layout {
            profile: self.name,
            layout: layout.to_owned(),
        })
    }

    /// Checks that the profile's verifier can accept a statement.
    ///
    /// # Errors
    /// [`ProfileError::Layout`], [`ProfileError::Pages`].
    pub fn check_statement(&self, statement: &PublicInput) -> Result<(), ProfileError> {
        self.check_layout(&statement.layout)?;
        let has_pages = statement.public_memory.iter().any(|cell| cell.page != 0);
        if has_pages && !self.limits.continuous_pages {
            return Err(ProfileError::Pages { profile: self.name });
        }
        Ok(())
    }

    /// Why the profile's verifier does not accept a run; `None` if it does. (A proof of the run can be made anyway.)
    pub fn run_warning(&self, run: &Run) -> Option<String> {
        if self.limits.runs.iter().any(|mode| mode.takes(run)) {
            return self.builtins_warning(run.slots.as_ref()?);
        }
        let modes: Vec<_> = self.limits.runs.iter().map(|mode| mode.name()).collect();
        Some(format!(
            "profile '{}' ({}) requires a run of the modes {}; this run is {}",
            self.name,
            self.limits.verifier,
            modes.join(", "),
            run.form
        ))
    }

    /// Which builtins the program of a run lacks for the profile's verifier; `None` if none.
    fn builtins_warning(&self, slots: &Slots) -> Option<String> {
        let seen = slots.seen();
        if !self.limits.all_builtins || seen.len() == CANONICAL_BUILTINS.len() {
            return None;
        }
        let declared: Vec<_> = seen
            .iter()
            .filter_map(|builtin| builtin.name.as_deref())
            .collect();
        let lacking: Vec<_> = CANONICAL_BUILTINS
            .into_iter()
            .filter(|builtin| !declared.contains(builtin))
            .collect();
        // The proof does not name a builtin that the layout lacks.
        let but = match seen.len() - declared.len() {
            0 => String::new(),
            n => format!(", but for {n} that the layout lacks"),
        };
        Some(format!(
            "profile '{}': {} accept only programs that declare all {} builtins, as the bootloaders short and simple do; \
             this program does not declare {}{but}",
            self.name,
            self.limits.verifier,
            CANONICAL_BUILTINS.len(),
            lacking.join(", ")
        ))
    }

    /// Checks that the profile's verifier accepts the parameters.
    ///
    /// # Errors
    /// [`ProfileError::Limits`], with all objections.
    pub fn check(&self, parameters: &Parameters) -> Result<(), ProfileError> {
        let objections = self.objections(parameters);
        if objections.is_empty() {
            return Ok(());
        }
        Err(ProfileError::Limits {
            profile: self.name,
            verifier: self.limits.verifier,
            objections: objections.join("; "),
        })
    }

    /// Why the profile's verifier does not accept the parameters, in words.
    pub(crate) fn objections(&self, parameters: &Parameters) -> Vec<String> {
        let mut objections = self.limits.objections(parameters);
        if !self.limits.any_hashes {
            objections.extend(self.other_hashes(parameters));
        }
        objections
    }

    /// The hashes, and the form of the public input, that differ from the profile's, in words.
    fn other_hashes(&self, parameters: &Parameters) -> impl Iterator<Item = String> {
        let (own, given) = (self.commitment_hashes, parameters.commitment_hashes);
        let hash = |key, own: Hash, given: Hash| (key, own.name(), given.name());
        let updates = |yes| if yes { "true" } else { "false" };
        let pairs = [
            hash("commitment_hash", own.bottom, given.bottom),
            hash("verifier_friendly_commitment_hash", own.top, given.top),
            hash("channel_hash", self.channel_hash, parameters.channel_hash),
            hash("pow_hash", self.pow_hash, parameters.pow_hash),
            hash("page_hash", self.page_hash, parameters.page_hash),
            (
                "verifier_friendly_channel_updates",
                updates(self.verifier_friendly_channel_updates),
                updates(parameters.verifier_friendly_channel_updates),
            ),
            (
                "stone_version",
                self.stone_version.name(),
                parameters.stone_version.name(),
            ),
        ];
        let differ = pairs.into_iter().filter(|(_, own, given)| own != given);
        differ.map(|(key, own, given)| format!("{key} is {given}, only {own} is accepted"))
    }

    /// What users of the profile should know about its verifier.
    pub fn warning(&self) -> Option<String> {
        let programs = self.limits.programs?;
        Some(format!(
            "profile '{}': {} {programs}",
            self.name, self.limits.verifier
        ))
    }

    /// The parameters for a proof of `n_steps` steps that reach `security_bits` (conjectured:
    /// queries x log blowup + proof of work).
    ///
    /// # Errors
    /// [`ProfileError::Steps`], [`ProfileError::Security`], [`ProfileError::Limits`].
    pub fn parameters(&self, n_steps: u64, security_bits: u32) -> Result<Parameters, ProfileError> {
        if !n_steps.is_power_of_two() || n_steps.ilog2() > MAX_LOG_STEPS {
            return Err(ProfileError::Steps { n_steps });
        }
        let most = self.max_queries * self.log_n_cosets + self.proof_of_work_bits;
        if security_bits > most {
            return Err(ProfileError::Security {
                profile: self.name,
                asked: security_bits,
                most,
            });
        }
        let left_to_queries = security_bits.saturating_sub(self.proof_of_work_bits);
        let n_queries = left_to_queries.div_ceil(self.log_n_cosets).max(1);
        let log_degree = n_steps.ilog2() + CPU_COMPONENT_HEIGHT.ilog2();
        let (fri_step_list, log_last_layer) = fri_steps(log_degree, *self.limits.fri_step.start() as u32);
        let mut commitment_hashes = self.commitment_hashes;
        if self.top_hash_above_rows {
            commitment_hashes.n_top_layers = u64::from(log_degree + self.log_n_cosets);
        }
        let parameters = Parameters {
            log_n_cosets: self.log_n_cosets,
            fri: FriParameters {
                fri_step_list,
                last_layer_degree_bound: 1 << log_last_layer,
                n_queries: n_queries as usize,
                proof_of_work_bits: self.proof_of_work_bits,
            },
            commitment_hashes,
            verifier_friendly_channel_updates: self.verifier_friendly_channel_updates,
            channel_hash: self.channel_hash,
            pow_hash: self.pow_hash,
            page_hash: self.page_hash,
            stone_version: self.stone_version,
        };
        self.check(&parameters)?;
        Ok(parameters)
    }
}

/// The FRI steps for polynomials of degree below `2^log_degree`, and the logarithm of the last layer's bound: a first
/// step of 0, then as few steps as possible, as even as possible, the larger ones first (early layers are the large
/// ones). There is always one fold of at least `min_step`, because verifiers require two layers.
fn fri_steps(log_degree: u32, min_step: u32) -> (Vec<u32>, u32) {
    let folded = log_degree.saturating_sub(LOG_LAST_LAYER).max(min_step).max(1);
    let n_steps = folded.div_ceil(MAX_FRI_STEP);
    let (step, n_larger) = (folded / n_steps, folded % n_steps);
    let steps = (0..n_steps).map(|i| step + u32::from(i < n_larger));
    (std::iter::once(0).chain(steps).collect(), log_degree - folded)
}

#[cfg(test)]
mod tests;
