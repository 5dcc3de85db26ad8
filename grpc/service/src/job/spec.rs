//! Specifications of jobs.

use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{
    ArtifactRef, BlockReference, CalldataOptions, ExecutableTask, JobSpec, Limits, ProgramInput, WrapOptions,
};
use std::collections::HashMap;
use std::time::SystemTime;

/// The name of a PIE in messages.
pub const PIE: &str = "pie";
/// The name of a compiled program in messages.
pub const PROGRAM: &str = "program";
/// The name of a program's input in messages.
pub const PROGRAM_INPUT: &str = "program input";
/// The name of a Scarb executable in messages.
pub const EXECUTABLE: &str = "executable";
/// The name of an executable's arguments in messages.
pub const ARGUMENTS: &str = "arguments";
/// The name of the bootloader in messages.
pub const BOOTLOADER: &str = "bootloader";
/// The name of the Cairo verifier in messages.
pub const CAIRO_VERIFIER: &str = "Cairo verifier";
/// The name of the bootloader of a wrapped proof in messages.
pub const WRAP_BOOTLOADER: &str = "bootloader of the wrapped proof";

/// What to prove, and how: the protocol's `JobSpec` with its input and its deadline in a usable form.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Stone's four files, a program, tasks, or an executable by itself.
    pub input: Input,
    /// Layout of the run of a program, of tasks or of an executable; empty or "auto" for the cheapest one.
    pub layout: String,
    /// Profile or parameter file; the default profile if missing.
    pub parameters: Option<Parameters>,
    /// Whether the proof file contains annotations; the profile decides if missing.
    pub annotations: Option<bool>,
    /// The job's own limits.
    pub limits: Option<Limits>,
    /// When the proof becomes useless.
    pub deadline: Option<SystemTime>,
    /// Higher goes first.
    pub priority: i32,
    /// Idempotency key within the tenant; empty for none.
    pub dedup_key: String,
    /// The client's labels.
    pub labels: HashMap<String, String>,
    /// Program hash that the client expects; empty for none.
    pub expected_program_hash: String,
    /// Builtins that the client expects; empty for none.
    pub expected_builtins: Vec<String>,
    /// How to make calldata for the proof; none is made if missing.
    pub calldata: Option<CalldataOptions>,
    /// How to wrap the proof; it is not wrapped if missing.
    pub wrap: Option<WrapOptions>,
    /// The block that the job is for. Once the job is accepted, with the network and the key of its signature.
    pub block: Option<BlockReference>,
}

/// A run that the service makes.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The parameters of layout `dynamic`, if the run is in that layout.
    pub dynamic_params: Option<&'a ArtifactRef>,
    /// Its least number of steps.
    pub min_steps: u64,
}

impl Spec {
    /// The input files, each with a name for messages.
    pub fn named_inputs(&self) -> impl Iterator<Item = (&'static str, &ArtifactRef)> {
        let files = match &self.input {
            Input::Air(air) => vec![
                ("public input", air.public_input.as_ref()),
                ("private input", air.private_input.as_ref()),
                ("trace", air.trace.as_ref()),
                ("memory", air.memory.as_ref()),
            ],
            Input::Program(program) => vec![
                (PROGRAM, program.program.as_ref()),
                (PROGRAM_INPUT, program.input.as_ref()),
                ("dynamic_params", program.dynamic_params.as_ref()),
            ],
            Input::Tasks(tasks) => {
                let of_tasks = tasks.tasks.iter().flat_map(|task| of_task(task.task.as_ref()));
                let others = [
                    (BOOTLOADER, tasks.bootloader.as_ref()),
                    ("dynamic_params", tasks.dynamic_params.as_ref()),
                ];
                of_tasks.chain(others).collect()
            }
            Input::Alone(alone) => {
                let files = alone.executable.iter().flat_map(of_executable);
                files
                    .chain([("dynamic_params", alone.dynamic_params.as_ref())])
                    .collect()
            }
        };
        let of_wrapping = self.wrap.iter().flat_map(|wrap| {
            [
                (CAIRO_VERIFIER, wrap.verifier.as_ref()),
                (WRAP_BOOTLOADER, wrap.bootloader.as_ref()),
            ]
        });
        let files = files.into_iter().chain(of_wrapping);
        files.filter_map(|(name, file)| Some((name, file?)))
    }

    /// The run that the service makes; `None` for Stone's four files, which have it.
    pub fn run(&self) -> Option<Run<'_>> {
        let (dynamic_params, min_steps) = match &self.input {
            Input::Air(_) => return None,
            Input::Program(program) => (&program.dynamic_params, program.min_steps),
            Input::Tasks(tasks) => (&tasks.dynamic_params, tasks.min_steps),
            Input::Alone(alone) => (&alone.dynamic_params, alone.min_steps),
        };
        Some(Run {
            dynamic_params: dynamic_params.as_ref(),
            min_steps,
        })
    }

    /// The input files.
    pub fn inputs(&self) -> impl Iterator<Item = &ArtifactRef> {
        self.named_inputs().map(|(_, file)| file)
    }
}

/// The files of a task, each with a name for messages.
fn of_task(task: Option<&Task>) -> [(&'static str, Option<&ArtifactRef>); 2] {
    match task {
        Some(Task::Pie(pie)) => [(PIE, Some(pie)), (PIE, None)],
        Some(Task::Program(task)) => [
            (PROGRAM, task.program.as_ref()),
            (PROGRAM_INPUT, task.input.as_ref()),
        ],
        Some(Task::Executable(task)) => of_executable(task),
        None => [(PIE, None); 2],
    }
}

/// The files of a run of an executable, each with a name for messages.
fn of_executable(run: &ExecutableTask) -> [(&'static str, Option<&ArtifactRef>); 2] {
    [
        (EXECUTABLE, run.executable.as_ref()),
        (ARGUMENTS, run.arguments.as_ref()),
    ]
}

/// Records of older services may lack any field. A missing input reads as a program without its file, which is rejected
/// when it is prepared; [`crate::service`] accepts no such submission.
impl From<JobSpec> for Spec {
    fn from(message: JobSpec) -> Self {
        let no_program = || Input::Program(ProgramInput::default());
        Self {
            input: message.input.unwrap_or_else(no_program),
            layout: message.layout,
            parameters: message.parameters,
            annotations: message.annotations,
            limits: message.limits,
            deadline: message.deadline.and_then(super::message::time),
            priority: message.priority,
            dedup_key: message.dedup_key,
            labels: message.labels,
            expected_program_hash: message.expected_program_hash,
            expected_builtins: message.expected_builtins,
            calldata: message.calldata,
            wrap: message.wrap,
            block: message.block,
        }
    }
}

impl From<Spec> for JobSpec {
    fn from(spec: Spec) -> Self {
        Self {
            input: Some(spec.input),
            layout: spec.layout,
            parameters: spec.parameters,
            annotations: spec.annotations,
            limits: spec.limits,
            deadline: spec.deadline.map(Into::into),
            priority: spec.priority,
            dedup_key: spec.dedup_key,
            labels: spec.labels,
            expected_program_hash: spec.expected_program_hash,
            expected_builtins: spec.expected_builtins,
            calldata: spec.calldata,
            wrap: spec.wrap,
            block: spec.block,
        }
    }
}
