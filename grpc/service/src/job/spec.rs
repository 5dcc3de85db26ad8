//! Specifications of jobs.

use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::{ArtifactRef, JobSpec, Limits, ProgramInput};
use std::collections::HashMap;
use std::time::SystemTime;

/// What to prove, and how: the protocol's `JobSpec` with its input and its deadline in a usable form.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Stone's four files, or a program.
    pub input: Input,
    /// Layout of a program's run; empty or "auto" for the cheapest one.
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
}

impl Spec {
    /// The input files, each with a name for messages.
    pub fn named_inputs(&self) -> impl Iterator<Item = (&'static str, &ArtifactRef)> {
        let files = match &self.input {
            Input::Air(air) => vec![
                ("public input", &air.public_input),
                ("private input", &air.private_input),
                ("trace", &air.trace),
                ("memory", &air.memory),
            ],
            Input::Program(program) => vec![
                ("program", &program.program),
                ("program input", &program.input),
                ("dynamic_params", &program.dynamic_params),
            ],
        };
        let files = files.into_iter();
        files.filter_map(|(name, file)| Some((name, file.as_ref()?)))
    }

    /// The input files.
    pub fn inputs(&self) -> impl Iterator<Item = &ArtifactRef> {
        self.named_inputs().map(|(_, file)| file)
    }
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
        }
    }
}
