//! The facts of a proof, from its statement.

use super::integrity::{self, MemoryVerification};
use super::{Claim, CompiledProgram, Facts, FactsError, Topology, sharp};
use crate::cairo::public_input::PublicInput;
use crate::cairo::run::{Bootloader, Run, RunMode, Slots, Task, TaskHash};
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
    /// The mode in which Integrity accepts the run: the requested one, or the strictest.
    pub mode: &'static str,
    /// Conjectured security in bits.
    pub security_bits: u64,
    /// The bootloader's name, if the program is a known one.
    pub bootloader: Option<&'static str>,
    /// Facts of the tasks, if the output lists tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskFact>,
}

/// The fact of a bootloader's task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskFact {
    /// The hash of its program, as the bootloader wrote it.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub program_hash: Felt,
    /// By which hash function.
    pub hash_function: TaskHash,
    /// The fact that SHARP registers for an output on one page. `None` unless a known bootloader ran the task and the
    /// proof shows that the hash is by Pedersen.
    #[serde(serialize_with = "crate::hex::write_digest_if_any")]
    pub sharp_fact: Option<Digest>,
}

/// What a caller adds to a proof to compute its facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactOptions<'a> {
    /// The requested mode of Integrity; `None` for the strictest mode that accepts the run.
    pub mode: Option<RunMode>,
    /// The compiled program: SHARP's fact depends on its builtins.
    pub program: Option<&'a CompiledProgram>,
    /// The pages of the output; `None` for one page.
    pub topology: Option<&'a Topology>,
}

impl ProofFacts {
    /// The facts of a statement. They are meaningful only if its proof has been verified.
    ///
    /// # Errors
    /// [`FactsError`]: a run without facts, or a program that is not the statement's.
    pub fn of(verifier: &Verifier<'_>, options: FactOptions<'_>) -> Result<Self, FactsError> {
        let (run, statement) = (verifier.run(), verifier.statement());
        let parameters = statement.parameters();
        let (program, output) = run
            .program
            .as_ref()
            .zip(run.output.as_ref())
            .ok_or(FactsError::NoProgram)?;
        let mode = integrity_mode(verifier, options.mode)?;
        if let Some(program) = options.program {
            let slots = run.slots.as_ref().ok_or(FactsError::NotWhole)?;
            slots
                .check(&program.builtins)
                .map_err(FactsError::OtherBuiltins)?;
        }
        let facts = Facts::of(&Claim {
            program,
            output,
            layout: &statement.public_input().layout,
            mode,
            parameters,
            compiled: options.program,
            topology: options.topology,
        })?;
        let bootloaded = run.bootloaded.as_ref();
        let bootloader = bootloaded.and_then(|_| Bootloader::of(&facts.program_hash_poseidon));
        let slots = run.slots.as_ref();
        let bootloader = bootloader.filter(|known| slots.is_some_and(|slots| known.check(slots).is_ok()));
        let tasks = bootloaded.iter().flat_map(|bootloaded| {
            let is_trusted = bootloader.is_some() && bootloaded.config.is_empty();
            let is_bound =
                bootloader.is_some_and(Bootloader::binds) || slots.is_some_and(Slots::is_the_only_list);
            let fact = move |task| TaskFact::of(task, is_trusted && is_bound);
            bootloaded.tasks.iter().map(fact)
        });
        Ok(Self {
            facts,
            mode: mode.name(),
            security_bits: parameters.security_bits(),
            tasks: tasks.collect(),
            bootloader: bootloader.map(|known| known.name),
        })
    }
}

/// The modes in which Integrity accepts a statement: those that accept its run and whose reading of the memory (one
/// page, in order) finds the same program and output.
pub fn integrity_modes(statement: &PublicInput, run: &Run) -> Vec<RunMode> {
    let reads = |mode: &RunMode| {
        let mode = MemoryVerification::of(*mode);
        let cells = mode.and_then(|mode| integrity::hashed_cells(statement, mode).ok());
        cells.is_some_and(|cells| Some(cells.program) == run.program && Some(cells.output) == run.output)
    };
    run.modes().into_iter().filter(reads).collect()
}

/// Integrity's setting for the requested mode, or for the strictest mode that accepts the run.
pub(crate) fn integrity_mode(
    verifier: &Verifier<'_>,
    asked: Option<RunMode>,
) -> Result<MemoryVerification, FactsError> {
    let run = verifier.run();
    let modes = integrity_modes(verifier.statement().public_input(), run);
    let mode = match asked {
        None => modes.first().copied(),
        Some(mode) => modes.contains(&mode).then_some(mode),
    };
    mode.and_then(MemoryVerification::of)
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
    fn of(task: &Task, is_trusted: bool) -> Self {
        let is_pedersen = task.hash_function == TaskHash::Pedersen;
        let topology = Topology::trivial(task.output.len() as u64).ok();
        let topology = topology.filter(|_| is_pedersen && is_trusted);
        Self {
            program_hash: task.program_hash,
            hash_function: task.hash_function,
            sharp_fact: topology
                .and_then(|topology| sharp::fact(task.program_hash, &task.output, &topology).ok()),
        }
    }

    /// The hash of its program, in hexadecimal.
    pub fn program_hash_hex(&self) -> String {
        felt::to_hex(&self.program_hash)
    }
}
