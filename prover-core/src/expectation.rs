//! What a caller expects of a proof, and whether the proof meets it.

use crate::cairo::run::{Bootloader, Form, Run, RunMode, Slots};
use crate::claim::{Binding, Verified};
use quarry_kernels::{Felt, felt};

/// What a caller expects of a proof beyond its validity. The default expects a whole run and 80 bits of security.
///
/// A caller that expects a program must also fix its builtins: if their number does not determine them, `layout` or
/// `builtins` must be given, otherwise the proof is rejected ([`Mismatch::Unbound`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Least conjectured security, in bits.
    pub min_security_bits: u64,
    /// Which runs are accepted.
    pub run: RunMode,
    /// The layout.
    pub layout: Option<String>,
    /// The program's hash, in the Pedersen or the Poseidon form.
    pub program_hash: Option<Felt>,
    /// The builtins of `main` in order, including those that the layout lacks.
    pub builtins: Option<Vec<String>>,
    /// The output of `main`.
    pub output: Option<Vec<Felt>>,
    /// The hash of the bootloader that ran the tasks, in the Pedersen or the Poseidon form.
    pub bootloader_hash: Option<Felt>,
    /// The configuration that a bootloader which unpacks others prints before its tasks; empty for one that prints
    /// none.
    pub bootloader_config: Option<Vec<Felt>>,
    /// A task that the bootloader ran.
    pub task: Option<ExpectedTask>,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            min_security_bits: 80,
            run: RunMode::default(),
            layout: None,
            program_hash: None,
            builtins: None,
            output: None,
            bootloader_hash: None,
            bootloader_config: None,
            task: None,
        }
    }
}

/// A task that a bootloader must have run. One task must match every field that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedTask {
    /// The hash of its program, as the bootloader wrote it.
    pub program_hash: Option<Felt>,
    /// Its output.
    pub output: Option<Vec<Felt>>,
}

/// How a proof differs from what is expected of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The mode does not accept the run.
    #[error("the run is {form}, which mode '{}' does not accept: {why}", mode.name())]
    Run {
        /// The mode.
        mode: RunMode,
        /// The run's form.
        form: Form,
        /// Why the mode does not accept it.
        why: String,
        /// A mode that accepts it.
        taken_by: RunMode,
    },
    /// The layout differs.
    #[error("the proof uses layout {got}, not {expected}")]
    Layout {
        /// The proof's.
        got: String,
        /// The expected one.
        expected: String,
    },
    /// The builtins differ.
    #[error("main's builtins are not the expected ones: {0}")]
    Builtins(String),
    /// A program is expected, but nothing determines which builtins it had.
    #[error(
        "the proof does not show which builtins main had ({seen}): the program's hash covers only their \
         number, so another list could hide a check that was not made"
    )]
    Unbound {
        /// The list that the proof shows.
        seen: String,
    },
    /// A program or an output is expected, but the run is not whole.
    #[error("the run is {form}: the proof does not show {what}")]
    NotShown {
        /// The run's form.
        form: Form,
        /// What it does not show.
        what: &'static str,
    },
    /// The program differs.
    #[error(
        "the proof is of another program: its hash is {pedersen} (Pedersen) or {poseidon} (Poseidon), not {expected}"
    )]
    Program {
        /// The program's hash.
        pedersen: String,
        /// The program's hash.
        poseidon: String,
        /// The expected one.
        expected: String,
    },
    /// The output differs.
    #[error("the proof has another output")]
    Output {
        /// The proof's.
        got: Vec<Felt>,
        /// The expected one.
        expected: Vec<Felt>,
    },
    /// A task is expected of a program that is not a bootloader.
    #[error("the proof is not of a bootloader: its output lists no tasks")]
    NoTasks,
    /// A task is expected of a program that is not a known bootloader.
    #[error(
        "the proof's program lists tasks, but it is not a known bootloader (its hash is {pedersen} (Pedersen) or \
         {poseidon} (Poseidon)): any program can write such a list"
    )]
    UnknownBootloader {
        /// The program's hash.
        pedersen: String,
        /// The program's hash.
        poseidon: String,
    },
    /// A task is expected of a bootloader whose configuration the caller did not give.
    #[error(
        "the bootloader prints a configuration before its tasks ({0}): the prover chose it, and a bootloader with \
         another one lists tasks that never ran"
    )]
    UnboundConfig(String),
    /// The configuration of the bootloader differs.
    #[error("the bootloader has another configuration: {0}")]
    Config(String),
    /// None of the tasks is the expected one.
    #[error("no task of the bootloader is the expected one; it ran {0}")]
    Task(String),
}

impl Expectation {
    /// No expectation at all: any run, any security.
    pub fn any() -> Self {
        Self {
            min_security_bits: 0,
            run: RunMode::Any,
            ..Self::default()
        }
    }

    /// Checks that the mode accepts the run.
    ///
    /// # Errors
    /// [`Mismatch::Run`].
    pub fn check_run(&self, run: &Run) -> Result<(), Mismatch> {
        let Some(why) = self.run.objection(run) else {
            return Ok(());
        };
        let modes = [RunMode::Whole, RunMode::Relaxed, RunMode::Cairo1, RunMode::Any];
        let taken_by = modes.into_iter().find(|mode| mode.takes(run));
        Err(Mismatch::Run {
            mode: self.run,
            form: run.form,
            why,
            taken_by: taken_by.unwrap_or(RunMode::Any),
        })
    }

    /// Compares the claim of a proof about a run with the expectation, and notes in the claim what determines the
    /// builtins.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn check(&self, run: &Run, claim: &mut Verified) -> Result<(), Mismatch> {
        self.check_run(run)?;
        if let Some(expected) = self.layout.as_ref().filter(|layout| **layout != claim.layout) {
            return Err(Mismatch::Layout {
                got: claim.layout.clone(),
                expected: expected.clone(),
            });
        }
        claim.builtins_binding = self.binding(run, claim)?;
        if let (Some(list), Some(slots)) = (&self.builtins, &run.slots) {
            claim.builtins = Some(slots.named(list));
        }
        for hash in self.program_hash.iter().chain(&self.bootloader_hash) {
            check_program(hash, run, claim)?;
        }
        if let Some(expected) = &self.output {
            check_output(expected, run)?;
        }
        if self.bootloader_hash.is_some() || self.bootloader_config.is_some() || self.task.is_some() {
            self.check_tasks(run, claim)?;
        }
        Ok(())
    }

    /// What determines which builtins `main` had.
    fn binding(&self, run: &Run, claim: &Verified) -> Result<Binding, Mismatch> {
        let Some(slots) = &run.slots else {
            return match self.builtins {
                Some(_) => Err(not_shown(run, "which builtins main had")),
                None => Ok(Binding::Unbound),
            };
        };
        if let Some(list) = &self.builtins {
            slots.check(list).map_err(Mismatch::Builtins)?;
            return Ok(Binding::List);
        }
        let known = claim.bootloader().filter(|known| known.check(slots).is_ok());
        Ok(if slots.is_the_only_list() {
            Binding::Number
        } else if known.is_some_and(Bootloader::binds) {
            Binding::List
        } else if self.layout.is_some() && slots.is_complete() {
            Binding::Layout
        } else {
            Binding::Unbound
        })
    }

    /// Checks that a known bootloader, or the expected one, ran the expected task.
    fn check_tasks(&self, run: &Run, claim: &Verified) -> Result<(), Mismatch> {
        let bootloaded = claim.bootloaded.as_ref().ok_or(Mismatch::NoTasks)?;
        let config = || list(bootloaded.config.iter());
        if self
            .bootloader_config
            .as_ref()
            .is_some_and(|expected| *expected != bootloaded.config)
        {
            return Err(Mismatch::Config(config()));
        }
        let Some(expected) = &self.task else {
            return Ok(());
        };
        let is_free = self.bootloader_config.is_none() && self.output.is_none();
        if is_free && !bootloaded.config.is_empty() {
            return Err(Mismatch::UnboundConfig(config()));
        }
        let is_stated = self.bootloader_hash.is_some() || self.program_hash.is_some();
        if !is_stated && bootloaded.bootloader.is_none() {
            let [pedersen, poseidon] = hashes(claim);
            return Err(Mismatch::UnknownBootloader { pedersen, poseidon });
        }
        check_bound(run, claim)?;
        let is_it = |task: &crate::cairo::run::Task| {
            let same_program = expected.program_hash.is_none_or(|hash| hash == task.program_hash);
            same_program
                && expected
                    .output
                    .as_ref()
                    .is_none_or(|output| *output == task.output)
        };
        if bootloaded.tasks.iter().any(is_it) {
            return Ok(());
        }
        let ran = bootloaded.tasks.iter().map(|task| &task.program_hash);
        Err(Mismatch::Task(list(ran)))
    }
}

/// The largest number of values listed in a message.
const MAX_LISTED: usize = 100;

fn list<'a>(values: impl ExactSizeIterator<Item = &'a Felt>) -> String {
    let more = values.len().saturating_sub(MAX_LISTED);
    let listed: Vec<_> = values.take(MAX_LISTED).map(felt::to_hex).collect();
    match more {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

fn not_shown(run: &Run, what: &'static str) -> Mismatch {
    Mismatch::NotShown { form: run.form, what }
}

fn hashes(claim: &Verified) -> [String; 2] {
    claim
        .program_hash
        .as_ref()
        .map(|hash| hash.to_hex())
        .unwrap_or_default()
}

/// Checks that the proof determines which builtins the program had. A known bootloader must have had its own.
fn check_bound(run: &Run, claim: &Verified) -> Result<(), Mismatch> {
    let slots = run
        .slots
        .as_ref()
        .ok_or_else(|| not_shown(run, "which program ran, with which builtins"))?;
    if let Some(known) = claim.bootloader() {
        known.check(slots).map_err(Mismatch::Builtins)?;
    }
    if claim.builtins_binding != Binding::Unbound {
        return Ok(());
    }
    Err(Mismatch::Unbound { seen: seen(slots) })
}

fn check_program(expected: &Felt, run: &Run, claim: &Verified) -> Result<(), Mismatch> {
    check_bound(run, claim)?;
    if claim.program_hash.as_ref().is_some_and(|hash| hash.is(expected)) {
        return Ok(());
    }
    let [pedersen, poseidon] = hashes(claim);
    Err(Mismatch::Program {
        pedersen,
        poseidon,
        expected: felt::to_hex(expected),
    })
}

fn check_output(expected: &[Felt], run: &Run) -> Result<(), Mismatch> {
    match &run.output {
        Some(output) if run.is_whole() && output == expected => Ok(()),
        Some(output) if run.is_whole() => Err(Mismatch::Output {
            got: output.clone(),
            expected: expected.to_vec(),
        }),
        _ => Err(not_shown(run, "what main wrote as its output")),
    }
}

/// The list of builtins that a proof shows, in words.
fn seen(slots: &Slots) -> String {
    let names = slots
        .seen()
        .iter()
        .map(|builtin| builtin.name.as_deref().unwrap_or("one that the layout lacks"));
    format!("it looks like {}", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
