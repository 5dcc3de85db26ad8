//! Checks a job that wraps.

use super::Refused;
use super::tasks::{Wanted, check_bootloader, check_hash};
use crate::child::bounds::LEAST_WRAPPED_STEPS;
use crate::child::prepare::planned_parameters;
use quarry_client::protocol::job_spec::Input;
use quarry_client::protocol::{JobSpec, WrapOptions};
use quarry_prover_core::cairo::runner::verifier_program::{LAYOUT, PROFILE};
use quarry_prover_core::plan::PlannedParameters;
use quarry_prover_core::profiles::{Profile, ProfileError};
use tonic::Status;

/// Rejects what cannot be wrapped, and a wrapped proof that cannot be made.
pub fn check(spec: &JobSpec) -> Refused {
    let refuse = |why: String| Err(Status::invalid_argument(format!("wrap: {why}")));
    if !matches!(spec.input, Some(Input::Tasks(_))) {
        return refuse("only a proof of tasks can be wrapped, and the input is no tasks".to_owned());
    }
    if !matches!(&*spec.layout, "" | "auto" | LAYOUT) {
        return refuse(format!(
            "layout '{}' was requested, but a wrapped proof has layout {LAYOUT}; leave it out, and name that of the \
             first proof in first_layout",
            spec.layout
        ));
    }
    check_options(spec.wrap.as_ref())?;
    // The first leg does not read these parameters, so no child tells what is wrong with them before a proof is made.
    match planned_parameters(spec.parameters.as_ref()) {
        Err(failure) => refuse(failure.message),
        Ok(parameters) => check_parameters(&parameters).or_else(|why| refuse(why.to_string())),
    }
}

/// Rejects parameters that no wrapped proof can have.
fn check_parameters(parameters: &PlannedParameters) -> Result<(), ProfileError> {
    if let Some(profile) = parameters.profile() {
        profile.check_layout(LAYOUT)?;
    }
    parameters.of_steps(LEAST_WRAPPED_STEPS).map(|_| ())
}

/// Rejects programs that no service has.
fn check_options(options: Option<&WrapOptions>) -> Refused {
    let Some(options) = options else {
        return Ok(());
    };
    if !matches!(&*options.first_layout, "" | "auto") {
        let known = Profile::by_name(PROFILE).and_then(|profile| profile.check_layout(&options.first_layout));
        known.map_err(|why| Status::invalid_argument(format!("wrap: first_layout: {why}")))?;
    }
    check_hash("wrap: expected_verifier_hash", &options.expected_verifier_hash)?;
    check_bootloader(&Wanted {
        what: "wrap",
        is_own: options.bootloader.is_some(),
        name: &options.bootloader_name,
        expected_hash: &options.expected_bootloader_hash,
        hash_function: &options.program_hash_function,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::job_spec::Parameters;
    use quarry_client::protocol::{ArtifactRef, NamedProfile, ProgramInput, TasksInput};

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
        let security = JobSpec {
            parameters: Some(Parameters::Profile(NamedProfile {
                name: String::new(),
                security_bits: 500,
            })),
            ..tasks()
        };
        let file = JobSpec {
            parameters: Some(Parameters::ParameterFile("{}".to_owned())),
            ..tasks()
        };
        let wrap = |wrap| JobSpec {
            wrap: Some(wrap),
            ..tasks()
        };
        let text = |text: &str| text.to_owned();
        let both = WrapOptions {
            bootloader: Some(ArtifactRef::default()),
            bootloader_name: text("simple"),
            ..WrapOptions::default()
        };
        let name = WrapOptions {
            bootloader_name: text("other"),
            ..WrapOptions::default()
        };
        let hash = WrapOptions {
            expected_verifier_hash: text("seven"),
            ..WrapOptions::default()
        };
        let function = WrapOptions {
            program_hash_function: text("blake"),
            ..WrapOptions::default()
        };
        let layout_of_first = WrapOptions {
            first_layout: text("perpetual"),
            ..WrapOptions::default()
        };
        let dynamic = WrapOptions {
            first_layout: text("dynamic"),
            ..WrapOptions::default()
        };
        assert!(check(&wrap(dynamic)).is_ok());
        for (spec, said) in [
            (
                security,
                "wrap: profile 'integrity-stone6-keccak160' gives at most",
            ),
            (file, "wrap: "),
            (
                wrap(layout_of_first),
                "wrap: first_layout: the verifier of profile 'cairo-verifier' does not support layout 'perpetual'",
            ),
            (
                wrap(both),
                "wrap: bootloader_name and bootloader exclude each other",
            ),
            (
                wrap(name),
                "wrap: bootloader_name: Quarry brings no bootloader 'other'",
            ),
            (
                wrap(hash),
                "wrap: expected_verifier_hash: 'seven' is not a field element (0x..)",
            ),
            (
                wrap(function),
                "wrap: program_hash_function: 'blake' is none of auto, pedersen, poseidon",
            ),
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
