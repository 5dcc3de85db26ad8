//! The facts of a proof, from its statement.

use super::integrity::MemoryVerification;
use super::{Claim, CompiledProgram, Facts, FactsError, Topology, sharp};
use crate::cairo::run::{Run, RunMode, Task, TaskHash};
use crate::verifier::Verifier;
use quarry_kernels::hash::Digest;
use quarry_kernels::{Felt, felt};
use serde::Serialize;

/// Facts of a proof and of the tasks that it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofFacts {
    /// Facts of the statement.
    #[serde(flatten)]
    pub facts: Facts,
    /// The mode in which Integrity takes the run: the asked one, or the strictest.
    pub mode: &'static str,
    /// Conjectured security in bits.
    pub security_bits: u64,
    /// Facts of the tasks, if the program is a bootloader.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskFact>,
}

/// The fact of a bootloader's task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskFact {
    /// The hash of its program, as the bootloader wrote it.
    #[serde(serialize_with = "super::hex")]
    pub program_hash: Felt,
    /// The fact that SHARP registers, of an output on one page; none if the hash is not by Pedersen.
    #[serde(serialize_with = "super::hex_digest")]
    pub sharp_fact: Option<Digest>,
}

/// What a caller adds to a proof.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactOptions<'a> {
    /// The mode that Integrity is asked for; the strictest that takes the run if there is none.
    pub mode: Option<RunMode>,
    /// The compiled program: SHARP's fact needs its builtins.
    pub program: Option<&'a CompiledProgram>,
    /// The pages of the output; one page if there are none.
    pub topology: Option<&'a Topology>,
}

impl ProofFacts {
    /// The facts of a statement, whose proof must have been verified for them to mean anything.
    ///
    /// # Errors
    /// [`FactsError`]: a run that no fact is about, or a program that is not the statement's.
    pub fn of(verifier: &Verifier<'_>, options: FactOptions<'_>) -> Result<Self, FactsError> {
        let (run, params) = (verifier.run(), verifier.parameters());
        let (program, output) = run
            .program
            .as_ref()
            .zip(run.output.as_ref())
            .ok_or(FactsError::NoProgram)?;
        let mode = mode(run, options.mode)?;
        let facts = Facts::of(&Claim {
            program,
            output,
            layout: &verifier.statement().layout,
            mode,
            params,
            compiled: options.program,
            topology: options.topology,
        })?;
        let tasks = run.bootloaded.iter().flat_map(|bootloaded| &bootloaded.tasks);
        Ok(Self {
            facts,
            mode: mode.name(),
            security_bits: params.security_bits(),
            tasks: tasks.map(TaskFact::of).collect(),
        })
    }
}

/// Integrity's name for the asked mode, or for the strictest that takes the run.
fn mode(run: &Run, asked: Option<RunMode>) -> Result<MemoryVerification, FactsError> {
    let modes = run.modes();
    let mode = match asked {
        None => modes.first().copied(),
        Some(mode) => modes.contains(&mode).then_some(mode),
    };
    mode.and_then(|mode| MemoryVerification::from_name(mode.name()))
        .ok_or_else(|| FactsError::Mode {
            run: run.form,
            modes: modes
                .iter()
                .map(|mode| mode.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

impl TaskFact {
    fn of(task: &Task) -> Self {
        let is_pedersen = task.hash_function != TaskHash::Poseidon;
        let topology = Topology::trivial(task.output.len() as u64).ok();
        let topology = topology.filter(|_| is_pedersen);
        Self {
            program_hash: task.program_hash,
            sharp_fact: topology
                .and_then(|topology| sharp::fact(task.program_hash, &task.output, &topology).ok()),
        }
    }

    /// The hash of its program, in hexadecimal.
    pub fn program_hash_hex(&self) -> String {
        felt::to_hex(&self.program_hash)
    }
}
