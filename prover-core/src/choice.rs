//! Chooses the layout for a program or for tasks: runs them in every suitable layout and takes the one with the cheapest
//! proof. A run costs little compared with a proof, and only the run tells how many steps the layout needs.

use crate::cairo::input::ProverInput;
use crate::cairo::layouts::{DYNAMIC, Layout, STATIC_LAYOUTS, UnknownLayout};
use crate::cairo::run::Run;
use crate::cairo::runner::{self, Executable, RunError, RunOptions};
use crate::demand;
use crate::memory_plan::MemoryPlan;
use crate::plan::{Plan, PlannedLayout, PlannedParameters};
use crate::profiles::{self, ProfileError};
use crate::statement::Statement;
use quarry_tasks::bootloader::{Bootloader, HashFunction};
use serde::Serialize;

/// A layout, with its cost or the reason why it was rejected.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// The layout.
    pub layout: &'static str,
    /// The profiles whose verifiers support the layout.
    pub profiles: Vec<&'static str>,
    /// The cost of a proof in this layout.
    #[serde(flatten)]
    pub cost: Option<Cost>,
    /// The hash function of the programs of tasks that state none, the one that costs least in this layout; `None` if
    /// there are no such tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_hash_function: Option<&'static str>,
    /// Why the layout was rejected.
    pub refused: Option<String>,
}

/// The cost of a proof.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Steps of the run, before padding.
    pub run_steps: u64,
    /// Steps after padding.
    pub n_steps: u64,
    /// What needs that many steps: [`demand::STEPS`], [`demand::POOLS`], or a builtin.
    pub decided_by: &'static str,
    /// Columns of the first, the interaction and the composition trace.
    pub n_columns: [usize; 3],
    /// Memory of the proof on the CPU, in bytes, if it takes as little as possible.
    pub memory_bytes: u64,
    /// Cost of the whole proof in field multiplications.
    pub multiplications: f64,
    /// The strictest mode in which Integrity takes a run of this form; `None` if no mode does. (Integrity has no
    /// verifier for some layouts.)
    pub run_mode: Option<&'static str>,
}

/// The result of a choice.
#[derive(Debug)]
pub struct Choice {
    /// All static layouts: the usable ones first, in order of cost.
    pub candidates: Vec<Candidate>,
    /// The run in the cheapest layout.
    pub input: ProverInput,
}

/// Why no layout was chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// The program or the tasks do not run in any layout.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The layout of the plan is not known.
    #[error(transparent)]
    Layout(#[from] UnknownLayout),
    /// The profile's verifier does not support the layout of the plan.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No layout is usable.
    #[error("no layout can be used: {}", refusals(candidates))]
    NoLayout {
        /// All layouts.
        candidates: Vec<Candidate>,
        /// The first failure of a run in a layout that has the builtins. That a bootloader has another hash counts only
        /// if it has so in every layout: the layout whose bootloader has the expected hash decides.
        failed: Option<Box<RunError>>,
    },
}

fn refusals(candidates: &[Candidate]) -> String {
    let refusal = |candidate: &Candidate| {
        let why = candidate.refused.as_ref()?;
        Some(format!("{}: {why}", candidate.layout))
    };
    let refusals: Vec<_> = candidates.iter().filter_map(refusal).collect();
    refusals.join("; ")
}

impl Plan {
    /// Runs a program or tasks in proof mode, in the layout of the plan.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn run(&self, executable: Executable<'_>, options: &RunOptions) -> Result<ProverInput, ChoiceError> {
        let check = |layout| match self.parameters.profile() {
            Some(profile) => profile.check_layout(layout),
            None => Ok(()),
        };
        Ok(match &self.layout {
            PlannedLayout::Cheapest => choose(executable, options, &self.parameters)?.input,
            PlannedLayout::Static(layout) => {
                let layout = Layout::by_name(layout)?.name;
                check(layout)?;
                runner::run(executable, layout, options)?
            }
            PlannedLayout::Dynamic(params) => {
                check(DYNAMIC)?;
                runner::run_dynamic(executable, params, options)?
            }
        })
    }
}

/// Runs the program or the tasks in every layout that has their builtins and that the profile's verifier supports, and
/// chooses the cheapest.
///
/// # Errors
/// [`ChoiceError`]: the run fails, or every layout is rejected.
pub fn choose(
    executable: Executable<'_>,
    options: &RunOptions,
    parameters: &PlannedParameters,
) -> Result<Choice, ChoiceError> {
    choose_and_tell(executable, options, parameters, &|_, _| ())
}

/// [`choose`], which tells each layout before it runs in it, and what fraction of the layouts it has looked at.
///
/// # Errors
/// As [`choose`].
pub fn choose_and_tell(
    executable: Executable<'_>,
    options: &RunOptions,
    parameters: &PlannedParameters,
    tell: &dyn Fn(&'static str, f64),
) -> Result<Choice, ChoiceError> {
    let wanted = Wanted {
        executable,
        parameters,
    };
    let builtins = match executable {
        Executable::Program { file, .. } => runner::program_builtins(file)?,
        // Which ones tasks need depends on the layout, so the run says it.
        Executable::Tasks(_) => Vec::new(),
        Executable::Alone(alone) => alone.builtins().map_err(RunError::from)?,
    };
    let mut candidates = Vec::new();
    let mut fault = Fault::default();
    let mut best: Option<(f64, ProverInput)> = None;
    let mut options = *options;
    for (i, layout) in STATIC_LAYOUTS.iter().enumerate() {
        let mut candidate = Candidate {
            layout: layout.name,
            profiles: profiles::profiles_of(layout.name),
            cost: None,
            program_hash_function: None,
            refused: wanted.objection(layout.name, layout.segments, &builtins),
        };
        if candidate.refused.is_none() {
            tell(layout.name, i as f64 / STATIC_LAYOUTS.len() as f64);
            let attempt = wanted.attempt(layout.name, &options)?;
            // The program prints the same in every layout, so only the first run prints.
            options.prints = false;
            match attempt {
                Err(why) => {
                    candidate.refused = Some(why.to_string());
                    fault.note(why);
                }
                Ok((cost, hash, input)) => {
                    if best
                        .as_ref()
                        .is_none_or(|(least, _)| cost.multiplications < *least)
                    {
                        best = Some((cost.multiplications, input));
                    }
                    candidate.cost = Some(cost);
                    candidate.program_hash_function = hash.map(HashFunction::name);
                }
            }
        }
        candidates.push(candidate);
    }
    let cost = |candidate: &Candidate| {
        let cost = candidate.cost.as_ref();
        cost.map_or(f64::INFINITY, |cost| cost.multiplications)
    };
    candidates.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    match best {
        Some((_, input)) => Ok(Choice { candidates, input }),
        None => Err(fault.of_no_layout(candidates)),
    }
}

/// Why a layout is rejected after a run in it was tried.
#[derive(Debug, thiserror::Error)]
enum Rejection {
    /// The run failed.
    #[error(transparent)]
    Run(RunError),
    /// The run cannot be proved with the parameters.
    #[error("{0}")]
    Proof(String),
}

/// Tells whether no layout is usable because of what is run.
#[derive(Default)]
struct Fault {
    /// The first failure of a run in a layout that has the builtins.
    failed: Option<RunError>,
    /// Whether a run was rejected for what its layout holds.
    has_other: bool,
    /// The first bootloader of a layout that has not the expected hash.
    wrong_hash: Option<RunError>,
    /// Whether the bootloader of a layout has it, or none is expected.
    has_right_hash: bool,
}

impl Fault {
    fn note(&mut self, why: Rejection) {
        let is_wrong_hash = matches!(why, Rejection::Run(RunError::BootloaderHash { .. }));
        self.has_right_hash |= !is_wrong_hash;
        match why {
            Rejection::Run(error) if is_wrong_hash => {
                self.has_other = true;
                self.wrong_hash.get_or_insert(error);
            }
            // Nothing was run.
            Rejection::Run(RunError::MissingBuiltinOfTasks { .. }) => {}
            Rejection::Run(error) => {
                self.has_other |= !matches!(error, RunError::Machine(_));
                self.failed.get_or_insert(error);
            }
            Rejection::Proof(_) => self.has_other = true,
        }
    }

    /// The error if no layout is usable. If the virtual machine failed in every run, then no layout is at fault.
    fn of_no_layout(self, candidates: Vec<Candidate>) -> ChoiceError {
        match self.failed.or(self.wrong_hash.filter(|_| !self.has_right_hash)) {
            Some(error) if !self.has_other => ChoiceError::Run(error),
            failed => ChoiceError::NoLayout {
                candidates,
                failed: failed.map(Box::new),
            },
        }
    }
}

/// A run with its cost, and the hash function of the tasks' programs.
type Attempt = (Cost, Option<HashFunction>, ProverInput);

/// What to prove, apart from the layout.
struct Wanted<'a> {
    executable: Executable<'a>,
    parameters: &'a PlannedParameters,
}

impl Wanted<'_> {
    /// Why a layout is rejected before anything is run.
    fn objection(&self, layout: &str, segments: &[&str], builtins: &[&str]) -> Option<String> {
        let profile = self.parameters.profile();
        if let Some(profile) = profile.filter(|profile| !profile.allows(layout)) {
            return Some(format!(
                "the verifier of profile '{}' does not support it",
                profile.name
            ));
        }
        let lacks = |builtin: &&&str| !segments.contains(*builtin);
        let missing: Vec<_> = builtins.iter().filter(lacks).copied().collect();
        (!missing.is_empty()).then(|| format!("it lacks {}", missing.join(", ")))
    }

    /// Runs the program or the tasks in a layout and computes the cost of a proof. The inner error rejects the layout,
    /// the outer one what was run.
    fn attempt(
        &self,
        layout: &'static str,
        options: &RunOptions,
    ) -> Result<Result<Attempt, Rejection>, RunError> {
        let (hash, input) = match runner::run_hashed(self.executable, layout, options) {
            Ok(run) => run,
            // A bootloader takes more steps where it must do in Cairo what the layout lacks.
            Err(error @ RunError::StepLimit(_)) if matches!(self.executable, Executable::Tasks(_)) => {
                return Ok(Err(Rejection::Run(error)));
            }
            // Each layout can have a bootloader of its own.
            Err(error @ RunError::BootloaderHash { .. }) if self.has_bootloader_of_layout() => {
                return Ok(Err(Rejection::Run(error)));
            }
            Err(
                error @ (RunError::TooLarge(_)
                | RunError::Machine(_)
                | RunError::MissingBuiltinOfTasks { .. }),
            ) => return Ok(Err(Rejection::Run(error))),
            Err(error) => return Err(error),
        };
        let cost = self.cost(&input, options.min_steps as u64);
        Ok(cost.map(|cost| (cost, hash, input)).map_err(Rejection::Proof))
    }

    fn has_bootloader_of_layout(&self) -> bool {
        match self.executable {
            Executable::Tasks(tasks) => matches!(tasks.bootloader(), Bootloader::Layout),
            Executable::Program { .. } | Executable::Alone(_) => false,
        }
    }

    fn cost(&self, input: &ProverInput, min_steps: u64) -> Result<Cost, String> {
        let public = &input.public;
        let (parameters, _) = self
            .parameters
            .resolve(public)
            .map_err(|error| error.to_string())?;
        let statement = Statement::new(public, &parameters).map_err(|error| error.to_string())?;
        let shape = statement.shape().map_err(|error| error.to_string())?;
        let phases = shape.multiplications(&parameters);
        let layout = Layout::of(public).map_err(|error| error.to_string())?;
        let modes = Run::of(public, &layout).modes();
        Ok(Cost {
            run_steps: demand::steps_before_padding(input),
            n_steps: public.n_steps,
            decided_by: demand::decided_by(input, &layout, min_steps),
            n_columns: shape.n_columns,
            memory_bytes: MemoryPlan::leanest(&shape, &parameters).device_bytes(),
            multiplications: phases.iter().map(|(_, cost)| cost).sum(),
            run_mode: modes.first().map(|mode| mode.name()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_hash() -> Rejection {
        Rejection::Run(RunError::BootloaderHash {
            pedersen: "0x1".to_owned(),
            poseidon: "0x2".to_owned(),
            expected: "0x3".to_owned(),
        })
    }

    /// The failure that remains if no layout is usable for these reasons.
    fn failed(reasons: Vec<Rejection>) -> Option<RunError> {
        let mut fault = Fault::default();
        reasons.into_iter().for_each(|why| fault.note(why));
        match fault.of_no_layout(Vec::new()) {
            ChoiceError::NoLayout { failed, .. } => failed.map(|error| *error),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_layout_whose_bootloader_has_the_expected_hash_decides() {
        let of_steps = failed(vec![
            wrong_hash(),
            Rejection::Run(RunError::StepLimit(7)),
            wrong_hash(),
        ]);
        assert!(matches!(of_steps, Some(RunError::StepLimit(7))), "{of_steps:?}");
        let of_proof = failed(vec![
            wrong_hash(),
            Rejection::Proof("too many queries".to_owned()),
        ]);
        assert!(of_proof.is_none(), "{of_proof:?}");
        let of_hash = failed(vec![wrong_hash(), wrong_hash()]);
        assert!(
            matches!(of_hash, Some(RunError::BootloaderHash { .. })),
            "{of_hash:?}"
        );
    }
}
