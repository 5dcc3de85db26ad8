//! What a job may ask for. Most of it is checked before its input is run or read.

use super::prepare::{planned_parameters, refused};
use super::tasks::too_large;
use crate::job::{PIE, Spec};
use crate::scheduler::why_too_large;
use quarry_client::protocol::{ArtifactRef, DeviceInfo, Failure, FailureClass, Limits, Statement};
use quarry_kernels::CpuDevice;
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};
use quarry_prover_core::cost::Shape;
use quarry_prover_core::memory_plan::MemoryPlan;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use std::collections::HashMap;
use std::error::Error;
use std::fs;

/// Bytes of a step in the trace file.
const TRACE_STEP: u64 = 24;

/// Rejects an input that exceeds the limits by the sizes of its files or by the steps that it asks for; a limit of 0 is
/// none.
pub fn check_sizes(spec: &Spec, paths: &HashMap<String, String>, limits: &Limits) -> Result<(), Failure> {
    let exceeds = |n: u64, most: u64| most > 0 && n > most;
    let resource = |code, message| Err(refused(FailureClass::Resource, code, message));
    let size_of = |artifact: &ArtifactRef| {
        let path = paths.get(&artifact.sha256);
        // A missing file is told when it is read.
        path.and_then(|path| fs::metadata(path).ok())
            .map_or(0, |file| file.len())
    };
    for (name, artifact) in spec.named_inputs() {
        let size = size_of(artifact);
        let steps = size / TRACE_STEP;
        if name == "trace" && exceeds(steps, limits.max_steps) {
            let message = format!("the trace has {steps} steps; at most {}", limits.max_steps);
            return resource("limits.max_steps", message);
        }
        // A file is read into memory.
        if exceeds(size, limits.max_child_memory_bytes) {
            let most = limits.max_child_memory_bytes;
            let message =
                format!("{name}: {size} bytes; the memory to read it has {most} (max_child_memory_bytes)");
            return resource("limits.memory", message);
        }
    }
    let pies = spec.named_inputs().filter(|(name, _)| *name == PIE);
    let size: u64 = pies.map(|(_, pie)| size_of(pie)).fold(0, u64::saturating_add);
    if exceeds(size, limits.max_pie_bytes) {
        let most = limits.max_pie_bytes;
        let message = format!("the PIEs have {size} bytes together; at most {most} (max_pie_bytes)");
        return Err(too_large(message));
    }
    if let Some(run) = spec.run() {
        let steps = padded(run.min_steps);
        if exceeds(steps, limits.max_steps) {
            let message = format!(
                "min_steps makes a run of {steps} steps; at most {}",
                limits.max_steps
            );
            return resource("limits.max_steps", message);
        }
    }
    Ok(())
}

/// Steps of a run that has at least this many.
fn padded(min_steps: u64) -> u64 {
    min_steps.checked_next_power_of_two().unwrap_or(u64::MAX)
}

/// Rejects a program whose `min_steps` alone make a proof that fits no device, in any layout that it may run in. Layout
/// `dynamic` is checked after the run.
pub fn check_memory(
    plan: &Plan,
    builtins: &[&str],
    min_steps: u64,
    devices: &[DeviceInfo],
) -> Result<(), Failure> {
    let profile = plan.parameters.profile();
    let layouts: Vec<&str> = match &plan.layout {
        PlannedLayout::Dynamic(_) => return Ok(()),
        PlannedLayout::Static(name) => vec![name],
        PlannedLayout::Cheapest => {
            let usable = STATIC_LAYOUTS.iter().filter(|layout| {
                let has = |builtin: &&str| layout.segments.contains(builtin);
                builtins.iter().all(has) && profile.is_none_or(|profile| profile.allows(layout.name))
            });
            usable.map(|layout| layout.name).collect()
        }
    };
    let mut least: Option<Statement> = None;
    for layout in layouts {
        // What cannot be planned is refused after the run, with the reason.
        let Ok(needed) = foreseen(layout, padded(min_steps), &plan.parameters) else {
            return Ok(());
        };
        if devices
            .iter()
            .any(|device| why_too_large(&needed, device).is_none())
        {
            return Ok(());
        }
        let is_less = |least: &Statement| needed.least_device_bytes < least.least_device_bytes;
        if least.as_ref().is_none_or(is_less) {
            least = Some(needed);
        }
    }
    let why = least.and_then(|least| devices.iter().find_map(|device| why_too_large(&least, device)));
    match why {
        Some(why) => {
            let message = format!("min_steps is {min_steps}: {why}");
            Err(refused(FailureClass::Resource, "limits.memory_plan", message))
        }
        None => Ok(()),
    }
}

/// Layout, steps, work and memory of a proof of so many steps, as its statement would have them.
pub fn foreseen(
    layout: &str,
    n_steps: u64,
    parameters: &PlannedParameters,
) -> Result<Statement, Box<dyn Error>> {
    let layout = Layout::by_name(layout)?;
    let air = CairoAir::new(&layout, n_steps)?;
    let shape = Shape::new(&air, &air.air.compile())?;
    let parameters = parameters.of_steps(n_steps)?;
    parameters.fits(n_steps)?;
    let memory = leanest(&shape, &parameters)?;
    Ok(Statement {
        layout: layout.name.to_owned(),
        n_steps,
        multiplications: shape.multiplications(&parameters).iter().map(|(_, n)| n).sum(),
        least_device_bytes: memory.peak_bytes,
        host_bytes: memory.host_bytes,
        ..Statement::default()
    })
}

/// The plan of a proof that takes the least memory.
pub fn leanest(shape: &Shape, parameters: &Parameters) -> Result<MemoryPlan, Box<dyn Error>> {
    let device = CpuDevice::new(Some(1))?;
    Ok(MemoryPlan::new(&device, shape, parameters, None)?)
}

/// Rejects parameters that make more work than the limits allow; a limit of 0 is none.
pub fn check_parameters(params: &Parameters, limits: &Limits) -> Result<(), Failure> {
    let (bits, queries) = (params.fri.proof_of_work_bits, params.fri.n_queries);
    let cosets = params.log_n_cosets;
    for (code, name, asked, most) in [
        (
            "limits.max_proof_of_work_bits",
            "proof_of_work_bits",
            u64::from(bits),
            limits.max_proof_of_work_bits,
        ),
        (
            "limits.max_log_n_cosets",
            "log_n_cosets",
            u64::from(cosets),
            limits.max_log_n_cosets,
        ),
        (
            "limits.max_queries",
            "n_queries",
            queries as u64,
            limits.max_queries,
        ),
    ] {
        if most > 0 && asked > most {
            let message = format!("{name} is {asked}; at most {most} is allowed");
            return Err(refused(FailureClass::Resource, code, message));
        }
    }
    Ok(())
}

/// The least number of steps of a wrapped proof, roughly. What a profile gives or refuses beside FRI's steps does not
/// depend on it.
pub const LEAST_WRAPPED_STEPS: u64 = 1 << 20;

/// [`check_parameters`] for the wrapped proof of a job, before its first proof is made: the first leg does not read these
/// parameters. A job of one proof passes.
pub fn check_wrapped(spec: &Spec, limits: &Limits) -> Result<(), Failure> {
    if spec.wrap.is_none() {
        return Ok(());
    }
    let parameters = planned_parameters(spec.parameters.as_ref())?.of_steps(LEAST_WRAPPED_STEPS);
    let parameters = parameters.map_err(|error| refused(FailureClass::Unsupported, "spec.profile", error))?;
    check_parameters(&parameters, limits).map_err(|failure| Failure {
        message: format!("wrap: {}", failure.message),
        ..failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::JobLimits;
    use quarry_client::protocol::job_spec::{Input, Parameters::ParameterFile};
    use quarry_client::protocol::{AirInput, JobSpec, ProgramInput, TasksInput, WrapOptions};
    use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, PROFILES, Profile};

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // A file with nothing in it but a size.
        fs::File::create(&path).unwrap().set_len(24 * 1000).unwrap();
        let paths = [("ab".to_owned(), path.display().to_string())].into();
        let file = || {
            Some(ArtifactRef {
                sha256: "ab".to_owned(),
                size: 0,
            })
        };
        let refusal = |input, limits| {
            let spec = JobSpec {
                input: Some(input),
                ..JobSpec::default()
            };
            let failure = check_sizes(&spec.into(), &paths, &limits).err()?;
            assert_eq!(failure.class(), FailureClass::Resource);
            Some((failure.code, failure.message))
        };
        let steps = |max_steps| Limits {
            max_steps,
            ..Limits::default()
        };
        let memory = |max_child_memory_bytes| Limits {
            max_child_memory_bytes,
            ..Limits::default()
        };
        let trace = || {
            Input::Air(AirInput {
                trace: file(),
                ..AirInput::default()
            })
        };
        assert_eq!(refusal(trace(), Limits::default()), None);
        assert_eq!(refusal(trace(), steps(1000)), None);
        let (code, message) = refusal(trace(), steps(999)).unwrap();
        assert_eq!(
            (&*code, &*message),
            ("limits.max_steps", "the trace has 1000 steps; at most 999")
        );
        let (code, message) = refusal(trace(), memory(23_999)).unwrap();
        assert_eq!(code, "limits.memory");
        assert!(
            message.contains("trace: 24000 bytes") && message.contains("23999"),
            "{message}"
        );
        let of_min_steps = |min_steps| {
            Input::Program(ProgramInput {
                min_steps,
                ..ProgramInput::default()
            })
        };
        assert_eq!(refusal(of_min_steps(1 << 24), steps(1 << 24)), None);
        let (code, message) = refusal(of_min_steps((1 << 24) + 1), steps(1 << 24)).unwrap();
        assert_eq!(code, "limits.max_steps");
        assert!(
            message.contains("33554432") && message.contains("16777216"),
            "{message}"
        );
        assert!(refusal(of_min_steps(u64::MAX), steps(1 << 24)).is_some());
    }

    #[test]
    fn a_proof_that_fits_no_device_is_known_before_the_run() {
        let device = |gib: u64| DeviceInfo {
            name: "cpu".to_owned(),
            host_memory_bytes: gib << 30,
            ..DeviceInfo::default()
        };
        let plan = |layout| Plan {
            layout,
            parameters: PlannedParameters::default(),
        };
        let any = plan(PlannedLayout::Cheapest);
        let builtins = ["output", "pedersen", "range_check"];
        let why = check_memory(&any, &builtins, 1 << 24, &[device(64)]).unwrap_err();
        assert_eq!(
            (why.class(), &*why.code),
            (FailureClass::Resource, "limits.memory_plan")
        );
        assert!(
            why.message.contains("min_steps is 16777216: the proof needs "),
            "{why:?}"
        );
        assert!(why.message.contains("has 64.0 GiB"), "{why:?}");
        assert_eq!(
            check_memory(&any, &builtins, 1 << 24, &[device(64), device(1 << 20)]),
            Ok(())
        );
        assert_eq!(check_memory(&any, &builtins, 1 << 16, &[device(64)]), Ok(()));
        // A device whose worker has not started yet may have the memory.
        assert_eq!(
            check_memory(&any, &builtins, 1 << 24, &[DeviceInfo::default()]),
            Ok(())
        );
        let named = plan(PlannedLayout::Static("small".to_owned()));
        assert!(check_memory(&named, &builtins, 1 << 24, &[device(64)]).is_err());
    }

    #[test]
    fn the_default_limits_pass_every_profile() {
        let limits = JobLimits::default().into();
        for profile in PROFILES {
            let most = profile.max_queries * profile.log_n_cosets + profile.proof_of_work_bits;
            for bits in [DEFAULT_SECURITY_BITS, most] {
                let params = profile.parameters(1 << 20, bits).unwrap();
                assert_eq!(
                    check_parameters(&params, &limits),
                    Ok(()),
                    "{} {bits}",
                    profile.name
                );
            }
        }
    }

    #[test]
    fn parameters_that_make_too_much_work_are_refused() {
        let profile = Profile::by_name("stone").unwrap();
        let good = profile.parameters(1 << 20, DEFAULT_SECURITY_BITS).unwrap();
        let (mut work, mut cosets, mut queries) = (good.clone(), good.clone(), good.clone());
        work.fri.proof_of_work_bits = 64;
        cosets.log_n_cosets = 9;
        queries.fri.n_queries = 513;
        let limits = JobLimits::default().into();
        for (params, code, message) in [
            (
                &work,
                "limits.max_proof_of_work_bits",
                "proof_of_work_bits is 64; at most 32 is allowed",
            ),
            (
                &cosets,
                "limits.max_log_n_cosets",
                "log_n_cosets is 9; at most 8 is allowed",
            ),
            (
                &queries,
                "limits.max_queries",
                "n_queries is 513; at most 512 is allowed",
            ),
        ] {
            let failure = check_parameters(params, &limits).unwrap_err();
            assert_eq!((&*failure.code, &*failure.message), (code, message));
            assert_eq!(failure.class(), FailureClass::Resource);
            assert_eq!(check_parameters(params, &Limits::default()), Ok(()));
            // So are those of the second leg, before the first.
            let mut spec = JobSpec {
                input: Some(Input::Tasks(TasksInput::default())),
                parameters: Some(ParameterFile(params.to_json().to_string())),
                ..JobSpec::default()
            };
            assert_eq!(check_wrapped(&spec.clone().into(), &limits), Ok(()));
            spec.wrap = Some(WrapOptions::default());
            let failure = check_wrapped(&spec.into(), &limits).unwrap_err();
            assert_eq!(
                (&*failure.code, failure.message),
                (code, format!("wrap: {message}"))
            );
        }
        let by_profile = JobSpec {
            input: Some(Input::Tasks(TasksInput::default())),
            wrap: Some(WrapOptions::default()),
            ..JobSpec::default()
        };
        let spec = by_profile.into();
        assert_eq!(check_wrapped(&spec, &limits), Ok(()));
        let lower = Limits {
            max_queries: 1,
            ..limits
        };
        assert_eq!(
            check_wrapped(&spec, &lower).unwrap_err().code,
            "limits.max_queries"
        );
    }
}
