//! Turns uploaded files into proof inputs and the statement of the proof.

use super::bounds::{check_parameters, check_sizes, leanest};
use super::handed;
use super::run::Execution;
use super::wrap::FIRST_PROOF;
use crate::artifacts::digest;
use crate::failure::{Stage, chain, failure};
use crate::internal::{Prepare, Prepared};
use crate::job::{Spec, WantedCalldata};
use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_client::protocol::{
    self, AirInput, ArtifactRef, CalldataOptions, DeviceInfo, Failure, FailureClass, Limits,
};
use quarry_kernels::felt::to_hex;
use quarry_prover_core::cairo::error::InputError;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::DYNAMIC;
use quarry_prover_core::calldata::Bundle;
use quarry_prover_core::expectation::{Expectation, Mismatch};
use quarry_prover_core::json;
use quarry_prover_core::plan::{PlanError, PlannedParameters};
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that the child leaves for the worker and for verification.
pub const PUBLIC_INPUT: &str = "public_input.json";
/// See [`PUBLIC_INPUT`].
pub const PRIVATE_INPUT: &str = "private_input.json";
/// See [`PUBLIC_INPUT`].
pub const PARAMETERS: &str = "parameters.json";
/// See [`PUBLIC_INPUT`]. Only tasks on continuous pages have it.
pub const FACT_TOPOLOGIES: &str = "fact_topologies.json";
const TRACE: &str = "trace.bin";
const MEMORY: &str = "memory.bin";

pub(super) fn refused(class: FailureClass, code: &str, message: impl Display) -> Failure {
    failure(class, Stage::Prepare, code, message)
}

pub(super) fn invalid(code: &str, error: &dyn Error) -> Failure {
    refused(FailureClass::InputInvalid, code, chain(error))
}

pub(super) fn unusable(error: impl Display) -> Failure {
    refused(FailureClass::Internal, "child.files", error)
}

/// Writes the proof inputs to a folder and returns the statement.
pub fn prepare(folder: &Path, task: Prepare, limits: &Limits) -> Result<Prepared, Failure> {
    let spec = task.spec.ok_or_else(|| unusable("no specification"))?;
    let spec = Spec::from(spec);
    let files = Files {
        paths: &task.paths,
        devices: &task.devices,
    };
    let first = task.first.as_ref();
    prepare_here(folder, &spec, first, &files, limits).map_err(|failure| {
        let first = first.map(|proof| (FIRST_PROOF, proof));
        let inputs = spec.named_inputs().chain(first).filter_map(|(name, artifact)| {
            let path = task.paths.get(&artifact.sha256)?;
            Some((name, &**path))
        });
        let message = by_role(failure.message, inputs).replace(&format!("{}/", folder.display()), "");
        Failure { message, ..failure }
    })
}

/// Names each file in a message by its role: the file's owner does not know its path. Many messages name the role
/// after the path.
fn by_role<'a>(message: String, inputs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    inputs.fold(message, |message, (name, path)| {
        let message = message.replace(&format!("{path}: {name}: "), &format!("{name}: "));
        message.replace(path, name)
    })
}

fn prepare_here(
    folder: &Path,
    spec: &Spec,
    first: Option<&ArtifactRef>,
    files: &Files<'_>,
    limits: &Limits,
) -> Result<Prepared, Failure> {
    check_sizes(spec, files.paths, limits)?;
    let parameters = planned_parameters(spec.parameters.as_ref())?;
    let Execution {
        input,
        public,
        builtins,
        topologies,
    } = match (first, &spec.input) {
        (Some(first), _) => files.wrap(first, spec, &parameters, limits)?,
        (None, Input::Air(air)) => files.air(air, folder)?,
        (None, Input::Program(program)) => files.program(program, spec, &parameters, limits)?,
        (None, Input::Tasks(tasks)) => files.run_tasks(tasks, spec, &parameters, limits)?,
        (None, Input::Alone(alone)) => files.alone(alone, spec, &parameters, limits)?,
    };
    let wanted = match spec.run() {
        Some(run) if run.dynamic_params.is_some() => DYNAMIC,
        _ => &input.public.layout,
    };
    if !matches!(&*spec.layout, "" | "auto") && spec.layout != wanted {
        let message = format!(
            "layout '{}' was requested, but the input is for '{wanted}'",
            spec.layout
        );
        return Err(refused(FailureClass::InputInvalid, "spec.layout", message));
    }
    if input.trace.len() as u64 != input.public.n_steps {
        let message = format!(
            "the trace has {} steps, the public input states {}",
            input.trace.len(),
            input.public.n_steps
        );
        return Err(refused(FailureClass::InputInvalid, "input.air", message));
    }
    check_instances(&input).map_err(|error| invalid("input.air", &error))?;
    if limits.max_steps > 0 && input.public.n_steps > limits.max_steps {
        let message = format!("{} steps; at most {}", input.public.n_steps, limits.max_steps);
        return Err(refused(FailureClass::Resource, "limits.max_steps", message));
    }
    let (params, params_file) = parameters
        .resolve(&input.public)
        .map_err(|error| plan_refused(&error))?;
    check_parameters(&params, limits)?;
    if let Some(profile) = parameters.profile() {
        profile
            .check_statement(&input.public)
            .map_err(|error| refused(FailureClass::Unsupported, "spec.profile", error))?;
    }
    let expectation = expectation(spec, builtins)?;
    let checked = Statement::new(&input.public, &params);
    let verifier = checked
        .and_then(Verifier::new)
        .map_err(|error| invalid("input.statement", &error))?;
    let wrapped_steps = match (first, &spec.wrap) {
        (None, Some(options)) => files.check_wrapping(&verifier, options)?,
        _ => 0,
    };
    let mut statement = statement(&verifier, &expectation)?;
    if let Some(options) = &spec.calldata {
        check_calldata(&verifier, options)?;
    }
    if let (Some(claim), Some(profile)) = (&mut statement.claim, parameters.profile()) {
        claim.warnings.extend(profile.run_warning(verifier.run()));
    }

    input.write(folder).map_err(unusable)?;
    // The public input is kept as uploaded. Paths must be absolute, since relative ones would first be looked up
    // elsewhere.
    let public = public.unwrap_or_else(|| input.public.to_json());
    let [trace, memory] = [TRACE, MEMORY].map(|name| folder.join(name).display().to_string());
    let private = input.private.to_json(&trace, &memory);
    for (name, file) in [
        (PUBLIC_INPUT, &public),
        (PRIVATE_INPUT, &private),
        (PARAMETERS, &params_file),
    ] {
        fs::write(folder.join(name), format!("{file:#}\n")).map_err(unusable)?;
    }
    let written = [PUBLIC_INPUT, PRIVATE_INPUT, PARAMETERS, TRACE, MEMORY];
    let mut digests = handed::digests(folder, &written).map_err(unusable)?;
    if let Some(topologies) = topologies {
        fs::write(folder.join(FACT_TOPOLOGIES), topologies).map_err(unusable)?;
        digests.extend(handed::digests(folder, &[FACT_TOPOLOGIES]).map_err(unusable)?);
    }
    let by_profile = parameters.profile().is_some_and(|profile| profile.annotations);
    Ok(Prepared {
        statement: Some(statement),
        annotations: spec.annotations.unwrap_or(by_profile),
        wrapped_steps,
        digests,
    })
}

/// Rejects a proof that Integrity would not accept, before it is made.
fn check_calldata(verifier: &Verifier<'_>, options: &CalldataOptions) -> Result<(), Failure> {
    let refuse = |why: &dyn Display| {
        let message = format!("calldata: {why}");
        refused(FailureClass::Unsupported, "spec.calldata", message)
    };
    let wanted = WantedCalldata::parse(options).map_err(|why| refuse(&why))?;
    Bundle::check(verifier, &wanted.options).map_err(|why| refuse(&why))
}

/// Checks what would otherwise only be found on the device: two entries for an instance of a builtin.
fn check_instances(input: &ProverInput) -> Result<(), InputError> {
    let segments = &input.public.memory_segments;
    input
        .private
        .check_instances(|builtin| segments.contains_key(builtin))
}

/// The parameters that a job asks for.
pub fn planned_parameters(asked: Option<&Parameters>) -> Result<PlannedParameters, Failure> {
    let named = match asked {
        Some(Parameters::ParameterFile(text)) => {
            let file = json::value(text).map_err(|error| invalid("spec.parameter_file", &error))?;
            return PlannedParameters::from_file(file, None).map_err(|error| plan_refused(&error));
        }
        Some(Parameters::Profile(named)) => named.clone(),
        None => Default::default(),
    };
    let profile = match &*named.name {
        "" => Profile::default_profile(),
        name => Profile::by_name(name)
            .map_err(|error| refused(FailureClass::Unsupported, "spec.profile", error))?,
    };
    let bits = match named.security_bits {
        0 => DEFAULT_SECURITY_BITS,
        bits => bits,
    };
    Ok(PlannedParameters::Profile(profile, bits))
}

fn plan_refused(error: &PlanError) -> Failure {
    match error {
        PlanError::Layout(_) => invalid("input.layout", error),
        PlanError::Profile(_) => refused(FailureClass::Unsupported, "spec.profile", chain(error)),
        _ => refused(FailureClass::InputInvalid, "spec.parameters", chain(error)),
    }
}

/// The failure for a statement that differs from what the job expects.
fn unexpected(mismatch: &Mismatch) -> Failure {
    let (code, hint) = match mismatch {
        Mismatch::Program { .. } => ("input.program_hash", ""),
        Mismatch::NotShown { .. } => ("input.run", ""),
        Mismatch::Unbound { .. } => (
            "input.builtins",
            "; state them in expected_builtins, or name the layout where main has all of its builtins",
        ),
        _ => ("input.builtins", ""),
    };
    refused(FailureClass::InputInvalid, code, format!("{mismatch}{hint}"))
}

/// Computes the statement of the proof. Rejects statements that cannot be proved or that are not expected.
fn statement(verifier: &Verifier<'_>, expectation: &Expectation) -> Result<protocol::Statement, Failure> {
    let params = verifier.statement().parameters();
    let mut claim = verifier.claim();
    expectation
        .check(verifier.run(), &mut claim)
        .map_err(|mismatch| unexpected(&mismatch))?;
    let hashes = claim.program_hash.as_ref().map(|hash| hash.to_hex());
    let [program_hash_pedersen, program_hash_poseidon] = hashes.unwrap_or_default();
    let shape = verifier.statement().shape();
    let shape = shape.map_err(|error| invalid("input.layout", &error))?;
    let memory = leanest(&shape, params).map_err(unusable)?;
    Ok(protocol::Statement {
        public_input: None,
        parameters: None,
        fact_topologies: None,
        layout: claim.layout.clone(),
        n_steps: claim.n_steps,
        program_hash_pedersen,
        program_hash_poseidon,
        output: claim.output.iter().flatten().map(to_hex).collect(),
        security_bits: claim.security_bits,
        multiplications: shape.multiplications(params).iter().map(|(_, n)| n).sum(),
        least_device_bytes: memory.peak_bytes,
        host_bytes: memory.host_bytes,
        claim: Some(super::claim::claim(&claim)),
    })
}

fn not_json(name: &str, why: &dyn Display) -> Failure {
    let message = format!("{name} is not JSON: {why}");
    refused(FailureClass::InputInvalid, "input.json", message)
}

/// The uploaded files, and the devices that may prove them.
pub(super) struct Files<'a> {
    /// Paths by digest.
    paths: &'a HashMap<String, String>,
    pub(super) devices: &'a [DeviceInfo],
}

/// The expectation of the job. A program's file gives the builtins. With tasks, the program is the bootloader.
fn expectation(spec: &Spec, builtins: Option<Vec<String>>) -> Result<Expectation, Failure> {
    let listed = Some(spec.expected_builtins.clone()).filter(|list| !list.is_empty());
    if let (Some(listed), Some(own)) = (&listed, &builtins)
        && listed != own
    {
        let (own, listed) = (own.join(", "), listed.join(", "));
        let message = format!("the program's builtins are {own}; expected_builtins is {listed}");
        return Err(refused(FailureClass::InputInvalid, "input.builtins", message));
    }
    let hash = &spec.expected_program_hash;
    let no_hash = || {
        let message = format!("expected_program_hash: '{hash}' is not a field element");
        refused(FailureClass::InputInvalid, "input.program_hash", message)
    };
    super::claim::expectation(hash, listed.or(builtins), &spec.layout).ok_or_else(no_hash)
}

impl Files<'_> {
    pub(super) fn path(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<PathBuf, Failure> {
        checked_path(self.paths, name, artifact, Stage::Prepare)
    }

    pub(super) fn bytes(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<Vec<u8>, Failure> {
        fs::read(self.path(name, artifact)?).map_err(unusable)
    }

    fn text(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<String, Failure> {
        String::from_utf8(self.bytes(name, artifact)?).map_err(|why| not_json(name, &why))
    }

    /// Parses a JSON file in Stone's dialect.
    fn stone_json(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<Value, Failure> {
        json::value(&self.text(name, artifact)?).map_err(|why| not_json(name, &why))
    }

    /// Parses a plain JSON file.
    pub(super) fn json(&self, name: &str, artifact: Option<&ArtifactRef>) -> Result<Value, Failure> {
        serde_json::from_str(&self.text(name, artifact)?).map_err(|why| not_json(name, &why))
    }

    /// Reads Stone's four files.
    fn air(&self, air: &AirInput, folder: &Path) -> Result<Execution, Failure> {
        let public_path = self.path("public input", air.public_input.as_ref())?;
        let public = self.stone_json("public input", air.public_input.as_ref())?;
        let mut private = self.stone_json("private input", air.private_input.as_ref())?;
        let paths = [
            ("trace_path", self.path("trace", air.trace.as_ref())?),
            ("memory_path", self.path("memory", air.memory.as_ref())?),
        ];
        let Some(members) = private.as_object_mut() else {
            let message = "the private input is not a JSON object";
            return Err(refused(FailureClass::InputInvalid, "input.json", message));
        };
        for (key, path) in paths {
            members.insert(key.to_owned(), path.display().to_string().into());
        }
        let private_path = folder.join("uploaded_private_input.json");
        fs::write(&private_path, private.to_string()).map_err(unusable)?;
        let input =
            ProverInput::read(&public_path, &private_path).map_err(|error| invalid("input.air", &error))?;
        Ok(Execution {
            input,
            public: Some(public),
            builtins: None,
            topologies: None,
        })
    }
}

/// Returns the path of a file after checking its digest.
pub fn checked_path(
    paths: &HashMap<String, String>,
    name: &str,
    artifact: Option<&ArtifactRef>,
    stage: Stage,
) -> Result<PathBuf, Failure> {
    let missing = || {
        failure(
            FailureClass::InputInvalid,
            stage,
            "spec.input",
            format!("no {name}"),
        )
    };
    let artifact = artifact.ok_or_else(missing)?;
    let path = PathBuf::from(paths.get(&artifact.sha256).ok_or_else(missing)?);
    let damaged = |why: &dyn Display| {
        let message = format!("artifact {} ({name}): {why}", artifact.sha256);
        failure(FailureClass::Internal, stage, "artifact.damaged", message)
    };
    let found = fs::File::open(&path)
        .and_then(digest)
        .map_err(|why| damaged(&why))?;
    if found.sha256 != artifact.sha256 {
        return Err(damaged(&"its content does not match its digest"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_prover_core::cairo::private_input::PrivateInput;
    use serde_json::json;

    #[test]
    fn a_role_is_named_once() {
        let inputs = [("public input", "/data/ab12"), ("trace", "/data/cd34")];
        let told = |message: &str| by_role(message.to_owned(), inputs.into_iter());
        let of_public = "public input: n_steps: 3 is not a power of two";
        assert_eq!(told(&format!("/data/ab12: {of_public}")), of_public);
        assert_eq!(told("/data/cd34: 1 bytes are cut"), "trace: 1 bytes are cut");
        assert_eq!(told("cannot read '/data/ab12'"), "cannot read 'public input'");
    }

    #[test]
    fn two_entries_for_an_instance_are_found() {
        let entries = json!([{"index": 4, "x": "0x1", "y": "0x2"}, {"index": 4, "x": "0x1", "y": "0x2"}]);
        let private = PrivateInput::from_json(&json!({"pedersen": entries})).unwrap();
        let error = private.check_instances(|_| true).unwrap_err().to_string();
        assert!(error.contains("'pedersen', instance 4"), "{error}");
        // Entries for a builtin that the layout lacks are not read.
        assert!(private.check_instances(|builtin| builtin == "bitwise").is_ok());
    }
}
