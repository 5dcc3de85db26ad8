//! Checks a job that wraps.

use super::Refused;
use crate::child::prepare::planned_parameters;
use quarry_client::protocol::JobSpec;
use quarry_client::protocol::job_spec::Input;
use quarry_prover_core::cairo::runner::verifier_program::LAYOUT;
use tonic::Status;

/// Rejects what cannot be wrapped, and a wrapped proof that cannot be made.
pub fn check(spec: &JobSpec) -> Refused {
    let refuse = |why: String| Err(Status::invalid_argument(format!("wrap: {why}")));
    if !matches!(spec.input, Some(Input::Tasks(_))) {
        return refuse("only a proof of tasks can be wrapped, and the input is no tasks".to_owned());
    }
    if !matches!(&*spec.layout, "" | "auto" | LAYOUT) {
        return refuse(format!(
            "layout '{}' was requested, but a wrapped proof has layout {LAYOUT}; leave it out",
            spec.layout
        ));
    }
    // Parameters that are wrong in themselves are told when the job is prepared.
    let parameters = planned_parameters(spec.parameters.as_ref()).ok();
    let profile = parameters.as_ref().and_then(|parameters| parameters.profile());
    match profile.map(|profile| profile.check_layout(LAYOUT)) {
        Some(Err(why)) => refuse(why.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::job_spec::Parameters;
    use quarry_client::protocol::{NamedProfile, ProgramInput, TasksInput, WrapOptions};

    #[test]
    fn what_cannot_be_wrapped_is_refused_with_a_sentence() {
        let tasks = || JobSpec {
            input: Some(Input::Tasks(TasksInput::default())),
            wrap: Some(WrapOptions::default()),
            ..JobSpec::default()
        };
        assert!(check(&tasks()).is_ok());
        let program = JobSpec {
            input: Some(Input::Program(ProgramInput::default())),
            ..tasks()
        };
        let layout = JobSpec {
            layout: "small".to_owned(),
            ..tasks()
        };
        let profile = JobSpec {
            parameters: Some(Parameters::Profile(NamedProfile {
                name: "l1-sharp".to_owned(),
                security_bits: 0,
            })),
            ..tasks()
        };
        for (spec, said) in [
            (program, "wrap: only a proof of tasks can be wrapped"),
            (layout, "wrap: layout 'small' was requested"),
            (
                profile,
                "wrap: the verifier of profile 'l1-sharp' does not support layout",
            ),
        ] {
            let why = check(&spec).unwrap_err();
            assert!(why.message().starts_with(said), "{why:?}");
        }
    }
}
