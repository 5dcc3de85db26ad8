//! The parameters of a proof, as in Stone's parameter file.

mod fri;
mod stone_version;

pub use fri::FriParameters;
pub use stone_version::StoneVersion;

use crate::cairo::layouts::CPU_COMPONENT_HEIGHT;
use crate::json::{JsonError, Place, Text};
use fri::in_range;
use quarry_kernels::Hash;
use serde_json::{Value, json};

/// Maximum logarithm of the evaluation domain: random numbers of the transcript are nearly uniform below it.
const MAX_LOG_DOMAIN: u32 = 47;

/// The hash of each layer of a Merkle tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitmentHashes {
    /// Hash of the layers next to the root.
    pub top: Hash,
    /// Hash of the others.
    pub bottom: Hash,
    /// Number of layers with the hash `top`.
    pub n_top_layers: u64,
}

impl CommitmentHashes {
    /// The hash that computes the nodes at this depth (the root has depth 0). This includes the leaves: a table whose
    /// tree has height `h` hashes its rows with `layer(h)`.
    pub fn layer(&self, depth: u64) -> Hash {
        if depth < self.n_top_layers {
            self.top
        } else {
            self.bottom
        }
    }

    /// The hashes of a tree of height `height`: depths 0 (the root) to `height` (the rows).
    pub fn layers(&self, height: u32) -> Vec<Hash> {
        (0..=u64::from(height)).map(|depth| self.layer(depth)).collect()
    }
}

/// The parameters of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Logarithm of the number of cosets, which is the evaluation domain's size over the trace length.
    pub log_n_cosets: u32,
    /// FRI.
    pub fri: FriParameters,
    /// `commitment_hash`, `verifier_friendly_commitment_hash` and `n_verifier_friendly_commitment_layers`.
    pub commitment_hashes: CommitmentHashes,
    /// Whether out-of-domain values enter the transcript together, and the public input's seed is hashed with the
    /// verifier-friendly hash.
    pub verifier_friendly_channel_updates: bool,
    /// Hash of the transcript.
    pub channel_hash: Hash,
    /// Hash of the proof of work in the Poseidon channel; other channels use their own hash.
    pub pow_hash: Hash,
    /// Hash of pages of public memory.
    pub page_hash: Hash,
    /// The form of the public input that opens the transcript.
    pub stone_version: StoneVersion,
}

/// Why parameters are malformed, rejected by Stone, or do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// Not JSON.
    #[error("parameters: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value that is missing, of the wrong kind or not allowed.
    #[error("parameters: {0}")]
    Value(#[from] JsonError),
    /// Values that contradict each other.
    #[error("parameters: {0}")]
    Conflict(String),
    /// FRI ends at a degree that differs from the trace's.
    #[error(
        "parameters: log2(last_layer_degree_bound) + sum(fri_step_list) = {last} + {steps} = {}, \
         but log2(n_steps) + 4 = {log_trace}; would fit: {would_fit}", last + steps
    )]
    Degree {
        /// `log2(last_layer_degree_bound)`.
        last: u64,
        /// `sum(fri_step_list)`.
        steps: u64,
        /// `log2(n_steps) + 4`.
        log_trace: u64,
        /// What to change, and to which values.
        would_fit: String,
    },
}

fn conflict(text: impl Into<String>) -> ParametersError {
    ParametersError::Conflict(text.into())
}

impl Parameters {
    /// Reads Stone's parameter file.
    ///
    /// # Errors
    /// [`ParametersError`]: not JSON, or as [`Self::from_json`].
    pub fn parse(text: &str) -> Result<Self, ParametersError> {
        Self::read(&Text::new(text)?.root())
    }

    /// Reads the parameters from a JSON value. As in Stone, unknown keys are ignored, and `pow_hash` is read only with
    /// the Poseidon channel.
    ///
    /// # Errors
    /// [`ParametersError`]: a value that is missing, of the wrong kind or not allowed, or a combination of values that
    /// Stone rejects for every trace.
    pub fn from_json(value: &Value) -> Result<Self, ParametersError> {
        Self::read(&Place::root(&value.to_string()))
    }

    /// Reads the parameters at the root of a text.
    pub(crate) fn read(root: &Place<'_>) -> Result<Self, ParametersError> {
        let field = root.key("field")?;
        if field.string()? != "PrimeField0" {
            return Err(field.error("\"PrimeField0\", the field of Cairo").into());
        }
        let extension = root.key("use_extension_field")?;
        if extension.boolean()? {
            return Err(extension
                .error("false: the field is not an extension field")
                .into());
        }
        let stark = root.key("stark")?;
        let commitment_hash = hash_or(root, "commitment_hash", Hash::Keccak256Masked160Msb)?;
        let n_top_layers = root.key("n_verifier_friendly_commitment_layers")?.if_present();
        let updates = root.key("verifier_friendly_channel_updates")?.if_present();
        let channel_hash = hash_or(root, "channel_hash", Hash::Keccak256)?;
        let pow_hash = match channel_hash {
            Hash::Poseidon3 => hash_or(root, "pow_hash", Hash::Blake256)?,
            own => own,
        };
        let page_hash = match root.key("statement")?.if_present() {
            None => Hash::Keccak256,
            Some(statement) => hash_or(&statement, "page_hash", Hash::Keccak256)?,
        };
        let this = Self {
            log_n_cosets: in_range(stark.key("log_n_cosets")?, 1, MAX_LOG_DOMAIN)?,
            fri: FriParameters::from_json(&stark.key("fri")?)?,
            commitment_hashes: CommitmentHashes {
                top: hash_or(root, "verifier_friendly_commitment_hash", commitment_hash)?,
                bottom: commitment_hash,
                n_top_layers: n_top_layers.map_or(Ok(0), |place| place.unsigned())?,
            },
            verifier_friendly_channel_updates: updates.map_or(Ok(false), |place| place.boolean())?,
            channel_hash,
            pow_hash,
            page_hash,
            stone_version: StoneVersion::stated(root)?.unwrap_or_default(),
        };
        this.check()?;
        Ok(this)
    }

    /// The parameters as Stone's file, with every key. `stone_version`, which Stone does not have, is written only if
    /// it is not that of Stone v3.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "field": "PrimeField0",
            "use_extension_field": false,
            "stark": {
                "log_n_cosets": self.log_n_cosets,
                "fri": {
                    "fri_step_list": self.fri.fri_step_list,
                    "last_layer_degree_bound": self.fri.last_layer_degree_bound,
                    "n_queries": self.fri.n_queries,
                    "proof_of_work_bits": self.fri.proof_of_work_bits,
                },
            },
            "commitment_hash": self.commitment_hashes.bottom.name(),
            "verifier_friendly_commitment_hash": self.commitment_hashes.top.name(),
            "n_verifier_friendly_commitment_layers": self.commitment_hashes.n_top_layers,
            "verifier_friendly_channel_updates": self.verifier_friendly_channel_updates,
            "channel_hash": self.channel_hash.name(),
            "statement": { "page_hash": self.page_hash.name() },
        });
        if self.channel_hash == Hash::Poseidon3 {
            value["pow_hash"] = json!(self.pow_hash.name());
        }
        if self.stone_version != StoneVersion::default() {
            value[stone_version::KEY] = json!(self.stone_version.name());
        }
        value
    }

    /// Checks what Stone rejects for every trace. (Stone fails on some of it only at the first digest of p or above,
    /// which comes soon; here the parameters decide.)
    fn check(&self) -> Result<(), ParametersError> {
        if !matches!(self.page_hash, Hash::Keccak256 | Hash::Pedersen) {
            let found = self.page_hash.name();
            return Err(conflict(format!(
                "statement/page_hash: expected keccak256 or pedersen, found {found}"
            )));
        }
        if self.public_input_hash() == Hash::Poseidon3 && self.page_hash != Hash::Pedersen {
            return Err(conflict(
                "statement/page_hash: a public input that is hashed with poseidon3 needs page_hash pedersen",
            ));
        }
        if self.fri.proof_of_work_bits > 0 && digests_are_felts(self.pow_hash) {
            let (key, way) = match self.channel_hash {
                Hash::Poseidon3 => ("pow_hash", "name another hash"),
                _ => (
                    "channel_hash",
                    "set proof_of_work_bits to 0 and ask for more queries",
                ),
            };
            let found = self.pow_hash.name();
            return Err(conflict(format!(
                "{key}: {found} hashes whole field elements, so it cannot hash a nonce; {way}"
            )));
        }
        Ok(())
    }

    /// Checks that a proof of `n_steps` steps can have these parameters.
    ///
    /// # Errors
    /// [`ParametersError::Degree`] with the values that would fit; [`ParametersError::Conflict`] if the domain is too
    /// large or a hash cannot be used where the parameters put it.
    pub fn fits(&self, n_steps: u64) -> Result<(), ParametersError> {
        let log_trace = (n_steps.max(1).ilog2() + CPU_COMPONENT_HEIGHT.ilog2()).into();
        let last = self.fri.last_layer_degree_bound.max(1).ilog2().into();
        let steps = self.fri.fri_step_list.iter().map(|&step| u64::from(step)).sum();
        if !n_steps.is_power_of_two() {
            return Err(conflict(format!("n_steps: {n_steps} is not a power of two")));
        }
        if last + steps != log_trace {
            let would_fit = self.fri.would_fit(last, steps, log_trace);
            return Err(ParametersError::Degree {
                last,
                steps,
                log_trace,
                would_fit,
            });
        }
        let log_domain = log_trace + u64::from(self.log_n_cosets);
        if log_domain > MAX_LOG_DOMAIN.into() {
            return Err(conflict(format!(
                "log2(n_steps) + 4 + log_n_cosets = {log_domain}, but the maximum is {MAX_LOG_DOMAIN}"
            )));
        }
        self.check_commitment_hashes(log_domain)
    }

    /// Checks that digests that are sent through the Poseidon channel, or hashed with Poseidon, are below p. No tree is
    /// higher than `max_height`.
    fn check_commitment_hashes(&self, max_height: u64) -> Result<(), ParametersError> {
        let CommitmentHashes {
            top,
            bottom,
            n_top_layers,
        } = self.commitment_hashes;
        let bottom_is_used = n_top_layers <= max_height;
        let over_felts = self.channel_hash == Hash::Poseidon3;
        let stays_below_p = |hash: Hash| {
            let masked = matches!(hash, Hash::Keccak256Masked160Lsb | Hash::Blake256Masked248Lsb);
            masked || digests_are_felts(hash)
        };
        let bad = |key: &str, hash: Hash, user: &str| {
            let found = hash.name();
            Err(conflict(format!(
                "{key}: digests of {found} are not below p, as {user} needs"
            )))
        };
        if over_felts && n_top_layers > 0 && !stays_below_p(top) {
            return bad("verifier_friendly_commitment_hash", top, "the poseidon3 channel");
        }
        if bottom_is_used && !stays_below_p(bottom) {
            if over_felts {
                return bad("commitment_hash", bottom, "the poseidon3 channel");
            }
            if n_top_layers > 0 && top == Hash::Poseidon3 {
                return bad(
                    "commitment_hash",
                    bottom,
                    "a tree whose upper layers are poseidon3",
                );
            }
        }
        Ok(())
    }

    /// The hash of the public input's seed.
    pub fn public_input_hash(&self) -> Hash {
        if self.verifier_friendly_channel_updates {
            self.commitment_hashes.top
        } else {
            self.channel_hash
        }
    }

    /// Conjectured security in bits: `n_queries * log_n_cosets + proof_of_work_bits`, without the queries and the bits
    /// that a masked hash loses (see [`Self::warnings`]).
    pub fn security_bits(&self) -> u64 {
        let lost = lost_draws(self.channel_hash);
        let sound = (0..self.fri.n_queries)
            .filter(|i| !lost.contains(&(i % DRAWS_IN_BLOCK)))
            .count();
        let work = self
            .fri
            .proof_of_work_bits
            .saturating_sub(leading_zeros(self.pow_hash));
        sound as u64 * u64::from(self.log_n_cosets) + u64::from(work)
    }

    /// Warnings about parameters that are allowed but not recommended.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let name = self.channel_hash.name();
        if name.contains("masked") {
            let lost = lost_draws(self.channel_hash).len();
            warnings.push(format!(
                "channel_hash {name}: the transcript has fewer than 256 bits, and {lost} of {DRAWS_IN_BLOCK} \
                 queries are always index 0"
            ));
        }
        if self.channel_hash == Hash::Pedersen {
            warnings.push(format!(
                "channel_hash {name}: Pedersen is collision resistant, but its digests are not known to look random, \
                 as the security of a transcript requires"
            ));
        }
        let zeros = leading_zeros(self.pow_hash);
        if self.fri.proof_of_work_bits > 0 && zeros > 0 {
            let name = self.pow_hash.name();
            warnings.push(format!(
                "proof of work: every digest of {name} begins with {zeros} zero bits"
            ));
        }
        warnings
    }
}

/// Numbers drawn from one block of a transcript: 8 bytes each, of which the low bits are the query.
const DRAWS_IN_BLOCK: usize = 4;

/// The draws from a block that read masked bytes and therefore always give index 0.
///
/// A Pedersen block is below p < 2^252: the top bits of its first draw are zero, but no query reads more than the low
/// [`MAX_LOG_DOMAIN`] of 64 bits, so none is lost.
fn lost_draws(hash: Hash) -> &'static [usize] {
    match hash {
        Hash::Keccak256Masked160Msb | Hash::Blake256Masked160Msb => &[2, 3],
        Hash::Keccak256Masked160Lsb => &[0],
        _ => &[],
    }
}

/// Number of zero bits with which every digest begins.
fn leading_zeros(hash: Hash) -> u32 {
    match hash {
        Hash::Keccak256Masked160Lsb => 96,
        Hash::Blake256Masked248Lsb => 8,
        _ => 0,
    }
}

fn digests_are_felts(hash: Hash) -> bool {
    matches!(hash, Hash::Pedersen | Hash::Poseidon3)
}

/// The hash named by `key`, or the default.
fn hash_or(object: &Place<'_>, key: &str, default: Hash) -> Result<Hash, JsonError> {
    let Some(place) = object.key(key)?.if_present() else {
        return Ok(default);
    };
    Hash::from_name(&place.string()?).ok_or_else(|| {
        let known: Vec<_> = Hash::all().map(Hash::name).collect();
        place.error(format!("one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests;
