//! Validation of job specifications before anything is recorded.

mod calldata;
mod tasks;
mod wrap;

use crate::job::Spec;
use quarry_client::protocol::JobSpec;
use quarry_client::protocol::job_spec::{self, Input};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::run::CANONICAL_BUILTINS;
use quarry_prover_core::profiles::Profile;
use std::time::{Duration, SystemTime};
use tonic::Status;

const MAX_LABELS: usize = 64;
const MAX_TEXT: usize = 256;
const MAX_PARAMETER_FILE: usize = 1 << 16;
const MAX_PRIORITY: i32 = 100;
/// The most distant deadline.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a specification is refused, if it is.
type Refused = Result<(), Status>;

/// Checks a client's specification. Its input files are checked later, by a child process.
pub fn parse(spec: Option<JobSpec>) -> Result<Spec, Status> {
    let spec = spec.unwrap_or_default();
    check(&spec)?;
    Ok(spec.into())
}

fn check(spec: &JobSpec) -> Refused {
    let refuse = |why: String| Err(Status::invalid_argument(why));
    match &spec.input {
        None => return refuse("input: air, program or tasks is required".to_owned()),
        Some(Input::Tasks(input)) => tasks::check(input)?,
        Some(Input::Air(_) | Input::Program(_)) => {}
    }
    short("layout", &spec.layout)?;
    check_layout(spec)?;
    match &spec.parameters {
        Some(job_spec::Parameters::Profile(profile)) if !profile.name.is_empty() => {
            short("profile", &profile.name)?;
            if let Err(error) = Profile::by_name(&profile.name) {
                return refuse(format!("profile: {error}"));
            }
        }
        Some(job_spec::Parameters::ParameterFile(text)) if text.len() > MAX_PARAMETER_FILE => {
            return refuse(format!("parameter_file: longer than {MAX_PARAMETER_FILE} bytes"));
        }
        _ => {}
    }
    if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&spec.priority) {
        return refuse(format!(
            "priority: {} is not in -{MAX_PRIORITY} .. {MAX_PRIORITY}",
            spec.priority
        ));
    }
    let (n_labels, n_builtins) = (spec.labels.len(), spec.expected_builtins.len());
    for (what, n) in [("labels", n_labels), ("expected_builtins", n_builtins)] {
        if n > MAX_LABELS {
            return refuse(format!(
                "{what}: {n} were given, at most {MAX_LABELS} are allowed"
            ));
        }
    }
    for (key, value) in &spec.labels {
        short("labels: a key", key)?;
        short("labels: a value", value)?;
    }
    short("dedup_key", &spec.dedup_key)?;
    short("expected_program_hash", &spec.expected_program_hash)?;
    for name in &spec.expected_builtins {
        short("expected_builtins: a name", name)?;
    }
    let is_builtin = |name: &String| CANONICAL_BUILTINS.contains(&&**name);
    if let Some(name) = spec.expected_builtins.iter().find(|name| !is_builtin(name)) {
        let known = CANONICAL_BUILTINS.join(", ");
        return refuse(format!(
            "expected_builtins: unknown builtin '{name}'; the builtins are {known}"
        ));
    }
    if spec.wrap.is_some() {
        wrap::check(spec)?;
    }
    if let Some(options) = &spec.calldata {
        calldata::check(spec, options)?;
    }
    if let Some(deadline) = spec.deadline {
        let Ok(deadline) = SystemTime::try_from(deadline) else {
            return refuse("deadline: not a valid time".to_owned());
        };
        // Whether it has passed is checked later: a repeated submission still returns the existing job.
        if deadline > SystemTime::now() + FURTHEST {
            return refuse("deadline: more than a year away".to_owned());
        }
    }
    Ok(())
}

fn check_layout(spec: &JobSpec) -> Refused {
    let why = match (&*spec.layout, &spec.input) {
        ("" | "auto", _) => return Ok(()),
        ("dynamic", Some(Input::Program(program))) if program.dynamic_params.is_none() => {
            "layout dynamic needs its parameters: program.dynamic_params is missing".to_owned()
        }
        ("dynamic", Some(Input::Tasks(tasks))) if tasks.dynamic_params.is_none() => {
            "layout dynamic needs its parameters: tasks.dynamic_params is missing".to_owned()
        }
        // The public input of an execution has them.
        ("dynamic", _) => return Ok(()),
        (name, _) => match Layout::by_name(name) {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
    };
    Err(Status::invalid_argument(format!("layout: {why}")))
}

/// Rejects an overlong text, before an error message quotes it.
pub fn short(what: &str, text: &str) -> Refused {
    if text.len() > MAX_TEXT {
        let why = format!("{what} of {} bytes: at most {MAX_TEXT} are allowed", text.len());
        return Err(Status::invalid_argument(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::{AirInput, ArtifactRef, ProgramInput};

    #[test]
    fn layout_dynamic_needs_its_parameters() {
        let program = |dynamic_params| {
            Input::Program(ProgramInput {
                dynamic_params,
                ..ProgramInput::default()
            })
        };
        let refused = |layout: &str, input: Input| {
            let spec = JobSpec {
                layout: layout.to_owned(),
                input: Some(input),
                ..JobSpec::default()
            };
            check(&spec).map_err(|status| status.message().to_owned()).err()
        };
        let why = refused("dynamic", program(None)).unwrap();
        assert!(why.contains("dynamic_params is missing"), "{why}");
        assert_eq!(refused("dynamic", program(Some(ArtifactRef::default()))), None);
        assert_eq!(refused("dynamic", Input::Air(AirInput::default())), None);
        assert_eq!(refused("small", program(None)), None);
        let why = refused("huge", program(None)).unwrap();
        assert!(why.contains("unknown layout 'huge'"), "{why}");
    }

    #[test]
    fn what_is_too_long_is_named_with_its_limit() {
        let spec = || JobSpec {
            input: Some(Input::Program(ProgramInput::default())),
            ..JobSpec::default()
        };
        let label = |key: &str, value: &str| JobSpec {
            labels: [(key.to_owned(), value.to_owned())].into(),
            ..spec()
        };
        let (full, long) = ("x".repeat(MAX_TEXT), "x".repeat(MAX_TEXT + 1));
        assert!(check(&label(&full, &full)).is_ok());
        let labels = (0..=MAX_LABELS).map(|n| (n.to_string(), String::new()));
        let many = JobSpec {
            labels: labels.collect(),
            ..spec()
        };
        let key = JobSpec {
            dedup_key: long.clone(),
            ..spec()
        };
        for (spec, expected) in [
            (
                label(&long, ""),
                "labels: a key of 257 bytes: at most 256 are allowed",
            ),
            (
                label("", &long),
                "labels: a value of 257 bytes: at most 256 are allowed",
            ),
            (many, "labels: 65 were given, at most 64 are allowed"),
            (key, "dedup_key of 257 bytes: at most 256 are allowed"),
        ] {
            assert_eq!(check(&spec).unwrap_err().message(), expected);
        }
    }
}
