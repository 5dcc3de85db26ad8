//! Runs programs and tasks.

use super::bounds::check_memory;
use super::prepare::{Files, invalid, refused, unusable};
use super::task_reader::executable_refused;
use super::tasks;
use crate::failure::chain;
use crate::job::{PROGRAM, PROGRAM_INPUT, Run, Spec};
use quarry_client::protocol::{AloneInput, Failure, FailureClass, Limits, ProgramInput, TasksInput};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::runner::{self, Executable, RunError, RunOptions};
use quarry_prover_core::choice::ChoiceError;
use quarry_prover_core::facts::FactTopologies;
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use quarry_tasks::executable::Alone;
use serde_json::Value;

/// What is to be proved.
pub(super) struct Execution {
    /// The input of the prover.
    pub input: ProverInput,
    /// The public input as it was uploaded.
    pub public: Option<Value>,
    /// The builtins that the program's file lists.
    pub builtins: Option<Vec<String>>,
    /// The file of the tasks' fact topologies, if their outputs are on continuous pages.
    pub topologies: Option<Vec<u8>>,
}

impl Execution {
    /// A run of a program that lists these builtins.
    pub(super) fn of_run(input: ProverInput, builtins: &[&str]) -> Self {
        Self {
            input,
            public: None,
            builtins: Some(builtins.iter().map(|name| (*name).to_owned()).collect()),
            topologies: None,
        }
    }
}

impl Files<'_> {
    /// Runs a program.
    pub(super) fn program(
        &self,
        program: &ProgramInput,
        spec: &Spec,
        parameters: &PlannedParameters,
        limits: &Limits,
    ) -> Result<Execution, Failure> {
        let bytes = self.bytes(PROGRAM, program.program.as_ref())?;
        let input = program.input.as_ref();
        let input = input
            .map(|input| self.json(PROGRAM_INPUT, Some(input)))
            .transpose()?;
        let builtins = runner::program_builtins(&bytes).map_err(|error| run_failed(&error))?;
        let plan = self.plan(spec, parameters, &builtins)?;
        let run = plan.run(
            Executable::program(&bytes, input.as_ref()),
            &run_options(spec, limits),
        );
        let input = run.map_err(|error| not_run(&error, run_failed))?;
        Ok(Execution::of_run(input, &builtins))
    }

    /// Runs tasks under their bootloader.
    pub(super) fn run_tasks(
        &self,
        input: &TasksInput,
        spec: &Spec,
        parameters: &PlannedParameters,
        limits: &Limits,
    ) -> Result<Execution, Failure> {
        let options = run_options(spec, limits);
        let tasks = self.tasks(input, options, limits)?;
        // Which builtins the tasks need depends on the layout, so only the run tells.
        let plan = self.plan(spec, parameters, &[])?;
        let run = plan.run(Executable::Tasks(&tasks), &options);
        let input = run.map_err(|error| not_run(&error, tasks::run_failed))?;
        let builtins = runner::program_builtins(&runner::bootloader_of(&tasks, &input.public.layout));
        let builtins = builtins.map_err(|error| tasks::run_failed(&error))?;
        let mut execution = Execution::of_run(input, &builtins);
        if tasks.has_pages() {
            let file = FactTopologies::of(&tasks).map_err(|error| tasks::run_failed(&error.into()))?;
            execution.topologies = Some(serde_json::to_vec(&file).map_err(unusable)?);
        }
        Ok(execution)
    }

    /// Runs an executable by itself.
    pub(super) fn alone(
        &self,
        input: &AloneInput,
        spec: &Spec,
        parameters: &PlannedParameters,
        limits: &Limits,
    ) -> Result<Execution, Failure> {
        let run = input.executable.clone().unwrap_or_default();
        let (executable, arguments) = self.executable(&run)?;
        let alone = Alone {
            executable: &executable,
            arguments: &arguments,
        };
        let builtins = alone.builtins().map_err(|error| executable_refused(&error))?;
        let plan = self.plan(spec, parameters, &builtins)?;
        let ran = plan.run(Executable::Alone(&alone), &run_options(spec, limits));
        let input = ran.map_err(|error| not_run(&error, alone_failed))?;
        Ok(Execution::of_run(input, &builtins))
    }

    /// The plan of a run that needs these builtins. Rejects a run whose least number of steps fits no device.
    fn plan(&self, spec: &Spec, parameters: &PlannedParameters, builtins: &[&str]) -> Result<Plan, Failure> {
        let run = spec.run();
        let layout = match run.and_then(|run| run.dynamic_params) {
            Some(dynamic) => {
                let value = self.json("dynamic_params", Some(dynamic))?;
                let params = serde_json::from_value(value).map_err(|error| invalid("input.json", &error))?;
                PlannedLayout::Dynamic(params)
            }
            None => PlannedLayout::named(&spec.layout),
        };
        let plan = Plan {
            layout,
            parameters: parameters.clone(),
        };
        if let Some(Run { min_steps, .. }) = run.filter(|run| run.min_steps > 0) {
            check_memory(&plan, builtins, min_steps, self.devices)?;
        }
        Ok(plan)
    }
}

/// How a run is made.
pub(super) fn run_options(spec: &Spec, limits: &Limits) -> RunOptions {
    let defaults = RunOptions::default();
    let steps = |n: u64, none: usize| match n {
        0 => none,
        n => usize::try_from(n).unwrap_or(usize::MAX),
    };
    RunOptions {
        max_steps: steps(limits.max_steps, defaults.max_steps),
        min_steps: steps(spec.run().map_or(0, |run| run.min_steps), defaults.min_steps),
        // A child's standard error may be shown to others than the input's owner; it is kept for crash messages.
        prints: false,
    }
}

/// The failure for what does not run in the layouts of the plan.
pub(super) fn not_run(error: &ChoiceError, failed: impl Fn(&RunError) -> Failure) -> Failure {
    match error {
        ChoiceError::Run(error) => failed(error),
        // If it failed in every layout that has its builtins, no layout is to blame.
        ChoiceError::NoLayout {
            failed: Some(of_run), ..
        } => Failure {
            message: error.to_string(),
            ..failed(of_run)
        },
        ChoiceError::Profile(error) => refused(FailureClass::Unsupported, "spec.profile", error),
        error => refused(FailureClass::Unsupported, "input.layout", error),
    }
}

/// The failure of a run of an executable by itself.
fn alone_failed(error: &RunError) -> Failure {
    match error {
        RunError::Executable(error) => executable_refused(error),
        RunError::Failed { .. } => refused(FailureClass::InputInvalid, "input.executable.run", chain(error)),
        error => run_failed(error),
    }
}

/// The failure of a run of a program.
pub(super) fn run_failed(error: &RunError) -> Failure {
    let (class, code) = match error {
        RunError::Memory(_) => (FailureClass::Resource, "limits.memory"),
        RunError::StepLimit(_) | RunError::TooLarge(_) => (FailureClass::Resource, "limits.max_steps"),
        RunError::UnknownHint { .. } | RunError::UnknownHintOfTask { .. } => {
            (FailureClass::Unsupported, "input.hint")
        }
        RunError::Opcode { .. } => (FailureClass::Unsupported, "input.opcode"),
        RunError::Layout(_) | RunError::MissingBuiltin { .. } => (FailureClass::Unsupported, "input.layout"),
        RunError::DynamicParam(_) => (FailureClass::InputInvalid, "input.layout"),
        _ => (FailureClass::InputInvalid, "input.program"),
    };
    refused(class, code, chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_parameter_of_a_layout_has_one_code_whatever_is_run() {
        let error = RunError::DynamicParam("cpu_component_step".to_owned());
        for failure in [run_failed(&error), tasks::run_failed(&error)] {
            assert_eq!(failure.code, "input.layout");
            assert_eq!(failure.class(), FailureClass::InputInvalid);
        }
    }
}
