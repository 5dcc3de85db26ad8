//! Facts: the hashes under which other systems register that a program had an output.
//!
//! `docs/facts.md` has every formula, its purpose and how it was checked.

pub mod integrity;
mod program;
mod proof;
pub mod sharp;
#[cfg(feature = "runner")]
mod tasks;
mod topology;

pub use integrity::MemoryVerification;
pub use program::{BootloaderHashes, CompiledProgram, CompiledProgramError};
pub(crate) use proof::integrity_mode;
pub use proof::{FactOptions, ProofFacts, TaskFact, integrity_modes};
#[cfg(feature = "runner")]
pub use tasks::{FactTopologies, TaskTopologyError, topologies};
pub use topology::{MAX_PAGE_SIZE, Topology, TopologyError};

use crate::cairo::run::Form;
use crate::parameters::Parameters;
use integrity::{Configuration, NoConfiguration};
use quarry_kernels::Felt;
use quarry_kernels::hash::{Digest, pedersen, poseidon};

/// Maximum length of a short string.
const MAX_SHORT_STRING: usize = 31;

/// A proved claim, with everything that facts depend on.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The program's cells: in mode [`MemoryVerification::Cairo1`] all public memory before the output.
    pub program: &'a [Felt],
    /// The output.
    pub output: &'a [Felt],
    /// The layout.
    pub layout: &'a str,
    /// How Integrity shall check the public memory.
    pub mode: MemoryVerification,
    /// The proof's parameters.
    pub parameters: &'a Parameters,
    /// The compiled program, if the caller has it: a bootloader's hashes need its list of builtins.
    pub compiled: Option<&'a CompiledProgram>,
    /// The pages of the output; `None` for one page.
    pub topology: Option<&'a Topology>,
}

/// Facts of a claim. A fact that cannot be computed is absent, and `notes` says why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// Hash of the program as StarkWare's Cairo verifiers compute it.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub program_hash_pedersen: Felt,
    /// Hash of the program as Integrity computes it.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub program_hash_poseidon: Felt,
    /// Hashes of the program as bootloaders compute them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootloader_program_hash: Option<BootloaderHashes>,
    /// Hash of the output as Integrity computes it.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub output_hash: Felt,
    /// The fact that SHARP registers.
    #[serde(
        serialize_with = "crate::hex::write_digest_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub sharp_fact: Option<Digest>,
    /// The fact that Integrity registers.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub integrity_fact: Felt,
    /// Security as Integrity counts it, in bits.
    pub integrity_security_bits: u64,
    /// How Integrity registers the fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity_verification: Option<Verification>,
    /// Why facts are absent.
    pub notes: Vec<String>,
}

/// How Integrity registers a fact.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verification {
    /// The settings.
    pub configuration: Configuration,
    /// Their hash.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub configuration_hash: Felt,
    /// The hash of fact, settings and security.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub verification_hash: Felt,
}

/// Why there are no facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// The compiled program is not the proved one.
    #[error("the program file is not the program that was proved: word {word} differs")]
    OtherProgram {
        /// The first word that differs.
        word: usize,
    },
    /// The compiled program has other builtins than the proved one.
    #[error("the program file is not the program that was proved: {0}")]
    OtherBuiltins(String),
    /// A program file was given, but the proof does not show the program of this run.
    #[error("the proof does not show which program ran, so no program file can match it")]
    NotWhole,
    /// Not all of the program and the output is public.
    #[error("there are no facts: the proof does not show all of its program and its output")]
    NoProgram,
    /// Integrity does not accept the run in the given mode.
    #[error(
        "Integrity does not accept this run, {run}, in that mode; it accepts it as {}",
        if modes.is_empty() { "nothing" } else { modes }
    )]
    Mode {
        /// The run.
        run: Form,
        /// The modes that accept it.
        modes: String,
    },
}

impl Facts {
    /// The facts of a claim.
    ///
    /// # Errors
    /// [`FactsError`] if the compiled program is not the claim's.
    pub fn of(claim: &Claim<'_>) -> Result<Self, FactsError> {
        claim.check_compiled()?;
        let program_hash_poseidon = poseidon::hash_many(claim.program);
        let fact = integrity::fact(program_hash_poseidon, claim.output);
        let bits = integrity::security_bits(claim.parameters);
        let bootloader_program_hash = claim.compiled.map(CompiledProgram::bootloader_hashes);
        let mut notes = Vec::new();
        Ok(Self {
            program_hash_pedersen: pedersen::hash_elements(claim.program),
            program_hash_poseidon,
            bootloader_program_hash,
            output_hash: poseidon::hash_many(claim.output),
            sharp_fact: noted(claim.sharp_fact(bootloader_program_hash), &mut notes),
            integrity_fact: fact,
            integrity_security_bits: bits,
            integrity_verification: noted(claim.verification(fact, bits), &mut notes),
            notes,
        })
    }
}

/// The value; if there is none, `None` and a note that says why.
fn noted<T>(result: Result<T, String>, notes: &mut Vec<String>) -> Option<T> {
    result.map_err(|why| notes.push(why)).ok()
}

impl Claim<'_> {
    /// Checks that the compiled program is the claim's program. In mode cairo1 it may be a prefix, because cells of the
    /// run follow the program.
    fn check_compiled(&self) -> Result<(), FactsError> {
        let Some(compiled) = self.compiled else {
            return Ok(());
        };
        let (ours, theirs) = (self.program, compiled.data.as_slice());
        let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
        let may_go_on = self.mode == MemoryVerification::Cairo1;
        if same == theirs.len() && (same == ours.len() || may_go_on) {
            return Ok(());
        }
        Err(FactsError::OtherProgram { word: same })
    }

    fn sharp_fact(&self, program_hash: Option<BootloaderHashes>) -> Result<Digest, String> {
        let hashes = program_hash.ok_or(
            "no SHARP fact: it needs the program file, because the program's hash under a bootloader covers main's \
             list of builtins, which the proof does not show",
        )?;
        let topology = match self.topology {
            Some(topology) => Ok(topology.clone()),
            None => Topology::trivial(self.output.len() as u64),
        };
        let fact = topology.and_then(|topology| sharp::fact(hashes.pedersen, self.output, &topology));
        fact.map_err(|why| format!("no SHARP fact: {why}"))
    }

    fn verification(&self, fact: Felt, bits: u64) -> Result<Verification, String> {
        let refused = |why: NoConfiguration| format!("no verification hash: {why}");
        let configuration = Configuration::of(self.layout, self.mode, self.parameters).map_err(refused)?;
        Ok(Verification {
            configuration_hash: configuration.hash(),
            verification_hash: integrity::verification_hash(fact, &configuration, bits),
            configuration,
        })
    }
}

/// Text as one field element, its bytes big-endian: a short string of Cairo. (Text longer than [`MAX_SHORT_STRING`]
/// would be reduced modulo p; no caller passes any.)
pub(crate) fn short_string(text: &str) -> Felt {
    text.bytes().fold(Felt::from(0u64), |value, byte| {
        value * Felt::from(256u64) + Felt::from(byte)
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
