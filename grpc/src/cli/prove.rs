//! `quarry prove`: from a program, or from Stone's four inputs, to a proof file.

use crate::cli::explain;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::interrupt;
use crate::cli::memory;
use crate::cli::output::{self, Target};
use crate::cli::parameters::{self, Choice};
use crate::cli::progress::{Reporter, Style};
use crate::cli::source::{Source, read_json};
use crate::cli::summary::{PhaseMemory, Summary};
use crate::cli::terminal;
use quarry_hw_profiles::peak_resident_bytes;
use quarry_kernels::{CpuDevice, Device, DeviceError};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::progress::{Observer, Phase};
use quarry_prover_core::proof::{ProofFile, Version};
use quarry_prover_core::prover::{self, ProveError, ProveOptions};
use quarry_prover_core::verifier::{Verifier, VerifyOptions};
use std::error::Error;
use std::path::PathBuf;

/// Examples for `prove --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry prove program.json --input input.json --out proof.json
      run a compiled program in proof mode and prove the run;
      layout, steps and parameters are chosen
  quarry prove program.json --input input.json --explain
      what each layout would cost, and which verifiers know it
  quarry prove program.json --input input.json --plan --memory 15GiB
      what memory the proof would take on a device with so much of it
  quarry prove program.json --layout plain --profile stone --security-bits 80
  quarry prove program.json --dynamic-params dynamic.json --profile stone
      in layout dynamic
  quarry prove program.json --write-inputs inputs --write-parameters params.json
      also keep what was proved, in the files that Stone's cpu_air_prover takes
  quarry prove --public_input_file=public_input.json \\
      --private_input_file=private_input.json --prover_config_file=prover_config.json \\
      --parameter_file=params.json --out_file=proof.json
      as cpu_air_prover does it; a link to quarry named cpu_air_prover needs no 'prove'
  quarry prove program.json --json --progress json 2>progress.jsonl | jq .proof_bytes

The proof is verified before it is written, and written whole or not at all.";

/// Arguments of `prove`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    parameters: Choice,
    /// Say what each layout would cost and why others do not serve; prove nothing
    #[arg(long, requires = "program", conflicts_with_all = ["layout", "dynamic_params"])]
    explain: bool,
    /// Say what memory the proof would take, phase by phase; prove nothing
    #[arg(long, conflicts_with = "explain")]
    plan: bool,
    /// Device memory that the proof may take, such as 15GiB [default: what is free; on the CPU as little as it can]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse_size)]
    memory: Option<u64>,
    /// Write the proof here
    #[arg(
        long,
        short,
        alias = "out-file",
        value_name = "FILE",
        default_value = "proof.json"
    )]
    out: PathBuf,
    /// Keep the transcript's annotations in the proof file [default: what the profile's verifier reads]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    generate_annotations: Option<bool>,
    /// Stone's prover configuration: kept in the proof file, changes nothing else
    #[arg(long, value_name = "FILE")]
    prover_config_file: Option<PathBuf>,
    /// Number of threads [default: one for every processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    n_threads: Option<u16>,
    /// Do not verify the proof before it is written
    #[arg(long)]
    no_verify: bool,
    /// Also write the parameter file that was used
    #[arg(long, value_name = "FILE")]
    write_parameters: Option<PathBuf>,
    /// Also write the four inputs of cpu_air_prover to this folder
    #[arg(long, value_name = "FOLDER")]
    write_inputs: Option<PathBuf>,
    /// How to show progress on standard error
    #[arg(long, value_enum, default_value_t)]
    progress: Style,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fix_public_input: Option<bool>,
    #[arg(long, hide = true)]
    override_random_seed: Option<String>,
}

/// Where results go; known to be writable before the work begins.
struct Targets {
    proof: Target,
    parameters: Option<Target>,
}

impl Targets {
    fn check(args: &Args) -> Result<Self, Failure> {
        if let Some(folder) = &args.write_inputs {
            std::fs::create_dir_all(folder).map_err(|why| {
                Failure::bad_input(format!("cannot make folder '{}': {why}", folder.display()))
            })?;
        }
        Ok(Self {
            proof: Target::check(&args.out)?,
            parameters: args.write_parameters.as_deref().map(Target::check).transpose()?,
        })
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let cancel = interrupt::listen(args.json)?;
    refuse_what_stone_lacks(args)?;
    let plan = args.parameters.read()?;
    if args.explain {
        return explain::run(&args.source, &plan, args.json);
    }
    let targets = Targets::check(args)?;
    let prover_config = match &args.prover_config_file {
        Some(path) => read_json(path)?,
        None => serde_json::json!({}),
    };
    let device = start_device(args.n_threads)?;
    let reporter = Reporter::new(args.progress);

    let execution = args.source.resolve(&plan, &reporter)?;
    let public = &execution.input.public;
    let layout = Layout::of(public).or_bad_input()?;
    let n_steps = public.n_steps.saturating_mul(layout.cpu_component_step());
    let (params, params_file) = plan.for_steps(n_steps)?;
    reporter.warn(&parameters::warnings(&params, plan.profile()));
    if args.plan {
        let budget = args.memory.or(device.free_bytes());
        return memory::run(&device.name(), budget, public, &params, args.json);
    }
    if let Some(target) = &targets.parameters {
        target.write(format!("{params_file:#}\n").as_bytes())?;
    }
    if let Some(folder) = &args.write_inputs {
        let _whole = output::settle();
        execution.input.write(folder).or_bad_input()?;
    }

    // Also refuses, before the work, what no proof could state.
    let verifier = Verifier::new(&execution.input.public, &params).or_bad_input()?;
    let annotations = args.generate_annotations;
    let options = ProveOptions {
        annotations: annotations.unwrap_or(plan.profile().is_some_and(|profile| profile.annotations)),
        memory_budget: args.memory,
    };
    let proof = prover::prove(&device, &execution.input, &params, &options, &reporter, &cancel)
        .map_err(|error| prove_failure(&error))?;
    if !args.no_verify {
        reporter.begin(Phase::Verify, 1.0);
        verify(&verifier, &proof.bytes)?;
    }
    if cancel.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let n_bytes = proof.bytes.len();
    let file = ProofFile {
        annotations: proof.annotations,
        private_input: execution.private,
        proof: proof.bytes,
        proof_parameters: params_file,
        prover_config,
        public_input: execution.public,
        version: Version::default(),
    };
    targets.proof.write(file.to_text().as_bytes())?;

    let summary = Summary {
        statement: verifier.claim(),
        profile: plan.profile().map(|profile| profile.name),
        verified: !args.no_verify,
        proof_file: targets.proof.path().to_owned(),
        proof_bytes: n_bytes,
        phases: reporter.finish(),
        device: proof.statistics.device.clone(),
        trace_rows: proof.statistics.n_rows,
        trace_columns: proof.statistics.n_columns,
        peak_resident_bytes: peak_resident_bytes(),
        device_memory: PhaseMemory::of(&proof.statistics),
    };
    if args.json {
        terminal::print_json(&summary)?;
    }
    if args.progress != Style::Json {
        terminal::tell(summary.table());
    }
    Ok(())
}

/// Threads for the device and for what runs beside it.
pub fn start_device(n_threads: Option<u16>) -> Result<CpuDevice, Failure> {
    let n_threads = n_threads.map(usize::from);
    let internal = |error: &dyn Error| Failure::from_error(Kind::Internal, error);
    // The pool of whatever is not the device's: the trace, the verifier.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads.unwrap_or(0));
    pool.build_global().map_err(|error| internal(&error))?;
    CpuDevice::new(n_threads).map_err(|error| internal(&error))
}

/// Flags that Stone's prover has but that stop it, or that make proofs nobody accepts.
fn refuse_what_stone_lacks(args: &Args) -> Result<(), Failure> {
    if args.fix_public_input == Some(true) {
        return Err(Failure::bad_input(
            "--fix_public_input: Stone does not do it for Cairo either; correct the public input",
        ));
    }
    if args
        .override_random_seed
        .as_ref()
        .is_some_and(|seed| !seed.is_empty())
    {
        return Err(Failure::bad_input(
            "--override_random_seed: a proof with a chosen seed proves nothing; leave it out",
        ));
    }
    Ok(())
}

/// The failure for an error of the prover.
pub fn prove_failure(error: &ProveError) -> Failure {
    let kind = match error {
        ProveError::Device(DeviceError::Cancelled) => return Failure::interrupted(),
        ProveError::Device(_) => Kind::Internal,
        _ => Kind::BadInput,
    };
    Failure::from_error(kind, error)
}

/// Verifies the proof that was made, whatever its security.
fn verify(verifier: &Verifier<'_>, proof: &[u8]) -> Result<(), Failure> {
    let any_security = VerifyOptions { min_security_bits: 0 };
    let failed = |error| {
        let message = format!(
            "the proof does not verify, and nothing was written: {error}; `quarry check` with the same inputs says \
             whether they are an execution"
        );
        Failure::new(Kind::Internal, message)
    };
    verifier.verify(proof, &any_security).map_err(failed)?;
    Ok(())
}
