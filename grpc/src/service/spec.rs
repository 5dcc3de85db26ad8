//! What is refused of a job before anything is recorded.

use crate::protocol::{JobSpec, job_spec};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::profiles::Profile;
use tonic::Status;

const MOST_LABELS: usize = 64;
const MOST_TEXT: usize = 256;
const MOST_PARAMETER_FILE: usize = 1 << 16;
const MOST_PRIORITY: i32 = 100;

/// Refuses a specification that cannot be right, before anything is recorded. The inputs are a child's to judge.
pub fn check(spec: &JobSpec) -> Result<(), Status> {
    let refuse = |why: String| Err(Status::invalid_argument(why));
    if spec.input.is_none() {
        return refuse("input: give air or program".to_owned());
    }
    if !matches!(&*spec.layout, "" | "auto")
        && let Err(error) = Layout::by_name(&spec.layout)
    {
        return refuse(format!("layout: {error}"));
    }
    match &spec.parameters {
        Some(job_spec::Parameters::Profile(profile)) if !profile.name.is_empty() => {
            if let Err(error) = Profile::by_name(&profile.name) {
                return refuse(format!("profile: {error}"));
            }
        }
        Some(job_spec::Parameters::ParameterFile(text)) if text.len() > MOST_PARAMETER_FILE => {
            return refuse(format!("parameter_file: longer than {MOST_PARAMETER_FILE} bytes"));
        }
        _ => {}
    }
    if spec.priority.abs() > MOST_PRIORITY {
        return refuse(format!("priority: {} is not in -100 .. 100", spec.priority));
    }
    let texts = spec.labels.iter().flat_map(|(key, value)| [key, value]);
    let mut texts = texts.chain([&spec.dedup_key, &spec.expected_program_hash]);
    if spec.labels.len() > MOST_LABELS || texts.any(|text| text.len() > MOST_TEXT) {
        return refuse(format!(
            "at most {MOST_LABELS} labels; labels, keys: at most {MOST_TEXT} bytes"
        ));
    }
    Ok(())
}
