//! Validation of job specifications before anything is recorded.

mod calldata;
mod tasks;
mod wrap;

use crate::job::Spec;
use quarry_client::block;
use quarry_client::protocol::JobSpec;
use quarry_client::protocol::job_spec::{self, Input};
use quarry_prover_core::cairo::layouts::{DYNAMIC, Layout};
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
    let mut spec = spec.unwrap_or_default();
    check(&spec)?;
    if let Some(reference) = &mut spec.block {
        short("block: network", &reference.network)?;
        // Whether it is signed is checked later: a repeated submission still returns the existing job.
        let canonical = block::canonical(reference);
        *reference = canonical.map_err(|why| Status::invalid_argument(why.to_string()))?;
    }
    Ok(spec.into())
}

fn check(spec: &JobSpec) -> Refused {
    let refuse = |why: String| Err(Status::invalid_argument(why));
    match &spec.input {
        None => return refuse("input: air, program, tasks or alone is required".to_owned()),
        Some(Input::Tasks(input)) => tasks::check(input)?,
        Some(Input::Alone(input)) => {
            let executable = input.executable.clone().unwrap_or_default();
            tasks::check_executable(&executable).or_else(|why| refuse(format!("alone: it {why}")))?;
        }
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
    match &*spec.layout {
        "" | "auto" | DYNAMIC => Ok(()),
        name => match Layout::by_name(name) {
            Ok(_) => Ok(()),
            Err(error) => Err(Status::invalid_argument(format!("layout: {error}"))),
        },
    }
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
    use quarry_client::protocol::{AloneInput, ProgramInput};
    use quarry_prover_core::cairo::layouts::STATIC_LAYOUTS;

    #[test]
    fn only_a_known_layout_is_taken() {
        let refused = |layout: &str| {
            let spec = JobSpec {
                layout: layout.to_owned(),
                input: Some(Input::Program(ProgramInput::default())),
                ..JobSpec::default()
            };
            check(&spec).map_err(|status| status.message().to_owned()).err()
        };
        for layout in ["", "auto", "small", "dynamic"] {
            assert_eq!(refused(layout), None, "{layout}");
        }
        let why = refused("huge").unwrap();
        assert!(why.contains("unknown layout 'huge'"), "{why}");
        // All that it takes.
        let known = STATIC_LAYOUTS.iter().map(|layout| layout.name).chain([DYNAMIC]);
        for name in known {
            assert!(why.contains(&format!(" {name}")), "{name}: {why}");
        }
    }

    #[test]
    fn an_executable_alone_needs_its_file() {
        let spec = JobSpec {
            input: Some(Input::Alone(AloneInput::default())),
            ..JobSpec::default()
        };
        let why = check(&spec).expect_err("a job without a file");
        assert!(why.message().contains("executable is required"), "{why}");
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
