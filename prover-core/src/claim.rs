//! The claim of a valid proof.

use crate::cairo::public_input::PublicInput;
use crate::cairo::run::{Bootloaded, Bootloader, Form, Run, RunMode, SeenBuiltin};
use crate::facts::integrity_modes;
use crate::parameters::Parameters;
use quarry_kernels::hash::{pedersen, poseidon};
use quarry_kernels::{Felt, felt};
use serde::Serialize;

/// A program's hash in both forms. The hash covers the program's words. They contain the number of `main`'s builtins
/// but not their names, so the hash must not be compared alone: an [`Expectation`](crate::expectation::Expectation)
/// compares it and checks the builtins too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgramHash {
    /// As StarkWare's Cairo verifiers compute it: a chain of Pedersen hashes from 0 over the program, closed with its
    /// length.
    #[serde(rename = "program_hash_pedersen", serialize_with = "crate::hex::write_felt")]
    pedersen: Felt,
    /// As the Integrity contracts compute it: by Poseidon.
    #[serde(rename = "program_hash_poseidon", serialize_with = "crate::hex::write_felt")]
    poseidon: Felt,
}

impl ProgramHash {
    /// Hashes a program.
    pub fn of(program: &[Felt]) -> Self {
        Self {
            pedersen: pedersen::hash_elements(program),
            poseidon: poseidon::hash_many(program),
        }
    }

    /// The Pedersen form and the Poseidon form, in hexadecimal.
    pub fn to_hex(&self) -> [String; 2] {
        [self.pedersen, self.poseidon].map(|hash| felt::to_hex(&hash))
    }

    /// Whether `hash` is one of the two forms.
    pub fn is(&self, hash: &Felt) -> bool {
        [self.pedersen, self.poseidon].contains(hash)
    }
}

/// What determines which builtins `main` had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing: with the same program hash `main` could have had other builtins.
    #[default]
    Unbound,
    /// Their number: only one list has this length (the empty list, or the list of all builtins).
    Number,
    /// The layout given by the caller, where `main` has exactly its builtins.
    Layout,
    /// The list given by the caller, or that of a known bootloader.
    List,
}

/// What a valid proof states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The layout.
    pub layout: String,
    /// Number of steps.
    pub n_steps: u64,
    /// The form of the run.
    pub run: Form,
    /// The modes in which Integrity accepts such a run.
    pub run_modes: Vec<RunMode>,
    /// The program's hash, if its cells are public.
    #[serde(flatten)]
    pub program_hash: Option<ProgramHash>,
    /// The builtins of `main` as far as the proof shows them, if the run is whole.
    pub builtins: Option<Vec<SeenBuiltin>>,
    /// What determines that list.
    pub builtins_binding: Binding,
    /// The cells of the output, if they are public: `main`'s output in a whole run, plain public memory in other runs.
    #[serde(serialize_with = "crate::hex::write_felts_if_any")]
    pub output: Option<Vec<Felt>>,
    /// The output read as a bootloader's.
    pub bootloaded: Option<Bootloaded>,
    /// Conjectured security in bits.
    pub security_bits: u64,
    /// The form of the public input that opens the transcript.
    pub stone_version: &'static str,
    /// Risks of the parameters, and what the proof does not show.
    pub warnings: Vec<String>,
}

impl Verified {
    /// The claim of a proof of `statement` with this `run`, before it is compared with an expectation. Hashes the
    /// program.
    pub(crate) fn new(statement: &PublicInput, parameters: &Parameters, run: &Run) -> Self {
        Self::with_hash(
            statement,
            parameters,
            run,
            run.program.as_deref().map(ProgramHash::of),
        )
    }

    /// The same with a given hash of the program. Hashing is expensive, so invalid proofs are described without it
    /// (`None`).
    pub(crate) fn with_hash(
        statement: &PublicInput,
        parameters: &Parameters,
        run: &Run,
        program_hash: Option<ProgramHash>,
    ) -> Self {
        let slots = run.slots.as_ref();
        let known = program_hash
            .as_ref()
            .and_then(|hash| Bootloader::of(&hash.poseidon));
        let known = known.filter(|known| slots.is_some_and(|slots| known.check(slots).is_ok()));
        let mut bootloaded = run.bootloaded.clone();
        if let (Some(bootloaded), Some(known)) = (&mut bootloaded, known) {
            bootloaded.bootloader = Some(known.name);
        }
        Self {
            layout: statement.layout.clone(),
            n_steps: statement.n_steps,
            run: run.form,
            run_modes: integrity_modes(statement, run),
            program_hash,
            builtins: slots.map(|slots| slots.seen().to_vec()),
            builtins_binding: match slots {
                Some(slots) if slots.is_the_only_list() => Binding::Number,
                Some(_) if known.is_some_and(Bootloader::binds) => Binding::List,
                _ => Binding::Unbound,
            },
            output: run.output.clone(),
            bootloaded,
            security_bits: parameters.security_bits(),
            stone_version: parameters.stone_version.name(),
            warnings: run.warning().into_iter().chain(parameters.warnings()).collect(),
        }
    }

    /// The bootloader with the program's hash, if it is known.
    pub(crate) fn bootloader(&self) -> Option<&'static Bootloader> {
        Bootloader::of(&self.program_hash.as_ref()?.poseidon)
    }
}
