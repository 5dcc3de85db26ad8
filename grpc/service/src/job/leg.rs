//! The legs of a job: a job that wraps makes two proofs, one after the other, each by the same steps.

use super::{Job, Spec};
use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::{FirstProof, NamedProfile, TasksInput};
use quarry_prover_core::cairo::runner::verifier_program::{BOOTLOADER, LAYOUT, PROFILE};

/// The leg of a job of one proof.
pub const ONLY: u32 = 0;
/// The leg of the proof that is wrapped.
pub const FIRST: u32 = 1;
/// The leg of the wrapped proof.
pub const SECOND: u32 = 2;

impl Spec {
    /// The leg with which a job begins.
    pub fn first_leg(&self) -> u32 {
        match self.wrap {
            Some(_) => FIRST,
            None => ONLY,
        }
    }

    /// What one leg is to prove, and how.
    pub fn of_leg(&self, leg: u32) -> Self {
        match (&self.input, leg) {
            (Input::Tasks(tasks), FIRST) => Self {
                input: Input::Tasks(for_wrapping(tasks.clone())),
                layout: self
                    .wrap
                    .as_ref()
                    .map_or_else(String::new, |wrap| wrap.first_layout.clone()),
                parameters: Some(Parameters::Profile(NamedProfile {
                    name: PROFILE.to_owned(),
                    security_bits: 0,
                })),
                // Only Quarry reads this proof.
                annotations: Some(false),
                expected_program_hash: String::new(),
                expected_builtins: Vec::new(),
                calldata: None,
                ..self.clone()
            },
            (_, SECOND) => Self {
                // The first proof is the only task.
                input: Input::Tasks(TasksInput::default()),
                layout: LAYOUT.to_owned(),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }
}

/// Tasks under a bootloader whose proof can be wrapped in any layout, unless the job names another.
fn for_wrapping(mut tasks: TasksInput) -> TasksInput {
    let is_default = matches!(&*tasks.bootloader_name, "" | "layout");
    if tasks.bootloader.is_none() && is_default {
        BOOTLOADER.clone_into(&mut tasks.bootloader_name);
    }
    tasks
}

impl Job {
    /// Begins the second leg: wraps this proof.
    pub fn begin_second_leg(&mut self, first: FirstProof) {
        self.reset();
        self.leg = SECOND;
        self.first = Some(first);
        self.statement = None;
    }

    /// Begins with the first leg again, without its proof.
    pub fn back_to_first_leg(&mut self) {
        self.leg = self.spec.first_leg();
        if self.first.take().is_some() {
            // It is that of the second leg.
            self.statement = None;
        }
    }

    /// How many attempts may fail by the end of this leg, if each leg has this many. Attempts of the first leg count in
    /// the second one too, so that a job whose first proof is lost again and again ends.
    pub fn max_attempts(&self, of_a_leg: u32) -> u32 {
        of_a_leg.saturating_mul(self.leg.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::{ArtifactRef, CalldataOptions, JobSpec, WrapOptions};

    fn wrapped(tasks: TasksInput) -> Job {
        let spec = JobSpec {
            input: Some(Input::Tasks(tasks)),
            layout: LAYOUT.to_owned(),
            parameters: Some(Parameters::ParameterFile("{}".to_owned())),
            calldata: Some(CalldataOptions::default()),
            expected_program_hash: "0x1".to_owned(),
            wrap: Some(WrapOptions {
                first_layout: "dynamic".to_owned(),
                ..WrapOptions::default()
            }),
            ..JobSpec::default()
        };
        Job::new(String::new(), String::new(), spec.into(), 0)
    }

    fn tasks(spec: &Spec) -> &TasksInput {
        match &spec.input {
            Input::Tasks(tasks) => tasks,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_options_of_the_proof_are_those_of_the_second_leg() {
        let job = wrapped(TasksInput {
            min_steps: 7,
            ..TasksInput::default()
        });
        assert_eq!(job.leg, FIRST);
        let first = job.spec.of_leg(FIRST);
        assert_eq!((&*first.layout, &first.calldata), ("dynamic", &None));
        assert_eq!(
            (tasks(&first).min_steps, &*tasks(&first).bootloader_name),
            (7, "short")
        );
        assert_eq!(first.expected_program_hash, "");
        let second = job.spec.of_leg(SECOND);
        assert_eq!(second.parameters, job.spec.parameters);
        assert!(second.calldata.is_some() && second.wrap.is_some());
        assert_eq!(tasks(&second), &TasksInput::default());
    }

    #[test]
    fn a_bootloader_that_the_job_names_stays() {
        let named = wrapped(TasksInput {
            bootloader_name: "simple".to_owned(),
            ..TasksInput::default()
        });
        assert_eq!(tasks(&named.spec.of_leg(FIRST)).bootloader_name, "simple");
        let own = wrapped(TasksInput {
            bootloader: Some(ArtifactRef::default()),
            ..TasksInput::default()
        });
        assert_eq!(tasks(&own.spec.of_leg(FIRST)).bootloader_name, "");
    }

    #[test]
    fn each_leg_has_its_attempts_and_a_reopened_job_begins_anew() {
        let mut job = wrapped(TasksInput::default());
        assert_eq!(job.max_attempts(3), 3);
        job.begin_second_leg(FirstProof::default());
        assert_eq!((job.leg, job.max_attempts(3)), (SECOND, 6));
        job.reset();
        assert!(job.first.is_some(), "a restart keeps it");
        job.reopen();
        assert_eq!((job.leg, &job.first), (FIRST, &None));
        assert_eq!(super::super::example("").max_attempts(3), 3);
    }
}
