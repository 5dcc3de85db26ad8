//! `quarry prove`: makes a proof file from a program, Cairo PIEs, a Scarb executable, or Stone's four inputs.

use crate::cli::device::{self, Started, on_device};
use crate::cli::explain;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::interrupt;
use crate::cli::memory;
use crate::cli::output::{self, Target};
use crate::cli::parameters::{ParameterArgs, warnings};
use crate::cli::progress::{Reporter, Style};
use crate::cli::source::{EXECUTABLE, Execution, Source, read_stone_json};
use crate::cli::summary::{PhaseMemory, Summary};
use crate::cli::tasks::{NOT_TASKS, TASKS};
use crate::cli::wrap_args::WrapArgs;
use crate::cli::{terminal, wrap};
use quarry_hw_profiles::peak_resident_bytes;
use quarry_kernels::{Backend, Device, DeviceError};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::memory_plan::MemoryPlanError;
use quarry_prover_core::plan::PlannedParameters;
use quarry_prover_core::profiles::Profile;
use quarry_prover_core::progress::{Cancel, Observer, Phase};
use quarry_prover_core::proof::WrittenProofFile;
use quarry_prover_core::prover::{self, ProveError, ProveOptions};
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use serde_json::Value;
use std::path::PathBuf;

/// Examples for `prove --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry prove program.json --input input.json --out proof.json
      runs a compiled program in proof mode and proves the run;
      layout, steps and parameters are chosen automatically
  quarry prove program.json --input input.json --explain
      shows what each layout would cost and which profiles allow it
  quarry prove program.json --input input.json --plan --memory 15GiB
      shows what memory the proof would take on a device with 15 GiB
  quarry prove program.json --layout plain --profile stone --security-bits 80
  quarry prove program.json --dynamic-params dynamic.json --profile stone
      uses layout dynamic with these parameters; --layout dynamic alone takes default ones
  quarry prove program.json --write-inputs inputs --write-parameters params.json
      also writes the input and parameter files that Stone's cpu_air_prover takes
  quarry prove --pie pie.zip --out proof.json
      proves a Cairo PIE under a bootloader; repeat --pie to prove several in one proof
  quarry prove program.json --input input.json --bootload
      proves a program as a task of the bootloader
  quarry prove --tasks tasks.json --continuous-pages --fact-topologies topologies.json --profile l1-sharp
      proves tasks listed in the form of StarkWare's tools, on pages for SHARP's contracts
  quarry prove --pie pie.zip --wrap --out wrapped.json
      then proves in layout recursive_with_poseidon that the proof holds
  quarry prove --pie pie.zip --wrap --verifier verifier.json --expect-verifier-hash 0x.. --out wrapped.json
      does so with another Cairo verifier; --wrap-bootloader names the bootloader that runs it
  quarry prove --pie pie.zip --program-hash-function poseidon --layout recursive_with_poseidon
  quarry prove --executable target/dev/package.executable.json --args 3,0x1f --out proof.json
      runs a Scarb executable and proves it under the bootloader; with --alone, without one
  quarry prove --public_input_file=public_input.json \\
      --private_input_file=private_input.json --prover_config_file=prover_config.json \\
      --parameter_file=params.json --out_file=proof.json
      takes cpu_air_prover's flags; call a link to quarry named cpu_air_prover without 'prove'
  quarry prove program.json --device cuda:1
      proves on the second GPU; the default, auto, reports why when it takes the CPU
  quarry prove program.json --json --progress json 2>progress.jsonl | jq .proof_bytes

The proof is verified before it is written. An interrupted run leaves no partial file.";

/// Arguments of `prove`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Show what each layout would cost, and why others cannot be used; prove nothing
    #[arg(long, requires = EXECUTABLE, conflicts_with_all = ["layout", "dynamic_params", "plan"])]
    explain: bool,
    /// Also wrap the proof, as `quarry wrap` does: --out and the options of the proof are then those of the wrapped
    /// proof. --layout, --bootloader, --program-hash-function and --min-steps are for the inner proof, which is kept
    /// beside it, with the extension inner.json
    #[arg(long, requires = TASKS, conflicts_with_all = NOT_TASKS)]
    #[arg(conflicts_with_all = ["alone", "explain", "plan", "write_inputs", "write_parameters"])]
    wrap: bool,
    #[command(flatten)]
    wrapping: WrapArgs,
    #[command(flatten)]
    pub proof: ProofArgs,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fix_public_input: Option<bool>,
    #[arg(long, hide = true)]
    override_random_seed: Option<String>,
}

/// How a proof is made, whatever it proves.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ProofArgs {
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// Show what memory the proof would take, phase by phase; prove nothing
    #[arg(long)]
    plan: bool,
    /// Limit on device memory, such as 15GiB [default: what is free; on the CPU, as little as possible]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse_size)]
    memory: Option<u64>,
    /// Write the proof to this file
    #[arg(
        long,
        short,
        alias = "out-file",
        value_name = "FILE",
        default_value = "proof.json"
    )]
    pub out: PathBuf,
    /// Include the transcript's annotations in the proof file [default: only if the profile's verifier reads them]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    generate_annotations: Option<bool>,
    /// Stone's prover configuration: copied to the proof file, otherwise ignored
    #[arg(long, value_name = "FILE")]
    prover_config_file: Option<PathBuf>,
    /// Device to prove on; auto takes the first usable GPU, or else the CPU. `quarry devices` lists all devices
    #[arg(long, value_name = "auto|cpu|cuda[:N]|wgpu[:N]", default_value_t)]
    device: device::DeviceSelection,
    /// Number of CPU threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub n_threads: Option<u16>,
    /// Do not verify the proof before writing it
    #[arg(long)]
    no_verify: bool,
    /// Also write the parameters, in Stone's format, to this file
    #[arg(long, value_name = "FILE")]
    write_parameters: Option<PathBuf>,
    /// Also write the four inputs of cpu_air_prover (public and private input, trace, memory) to this folder
    #[arg(long, value_name = "FOLDER")]
    write_inputs: Option<PathBuf>,
    /// How to show progress on standard error
    #[arg(long, value_enum, default_value_t)]
    progress: Style,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

impl ProofArgs {
    /// How the inner proof is made if these are the options of the wrapped one. Only Quarry reads the inner proof, so
    /// it needs no annotations.
    pub fn of_inner(&self) -> Self {
        Self {
            out: self.out.with_extension("inner.json"),
            generate_annotations: Some(false),
            json: false,
            ..self.clone()
        }
    }
}

/// The output files, checked to be writable before the work begins.
struct Targets {
    proof: Target,
    parameters: Option<Target>,
}

impl Targets {
    fn check(args: &ProofArgs) -> Result<Self, Failure> {
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

/// Everything about a proof except the device.
struct Job<'a> {
    args: &'a ProofArgs,
    profile: Option<&'static Profile>,
    /// `None` if only the plan is requested.
    targets: Option<Targets>,
    prover_config: Value,
    input: &'a ProverInput,
    /// The public, the private input and the parameters as JSON.
    files: [Value; 3],
    statement: Statement<'a>,
    reporter: Reporter,
    cancel: &'a Cancel,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let cancel = interrupt::listen(args.proof.json)?;
    refuse_what_stone_lacks(args)?;
    let parameters = args.proof.parameters.read()?;
    if args.explain {
        let reporter = Reporter::new(args.proof.progress);
        let choice = args.source.explain(&parameters, &reporter);
        reporter.finish();
        return explain::run(&choice?, args.proof.json);
    }
    device::start_pool(args.proof.n_threads)?;
    if args.wrap {
        return wrap::prove_and_wrap(&args.source, &args.wrapping, &args.proof, &cancel);
    }
    make(&args.proof, &parameters, &cancel, |reporter| {
        args.source.resolve(&parameters, reporter)
    })
}

/// Proves, or plans the proof of, the execution that `resolve` returns. The pool of threads has started.
pub fn make(
    args: &ProofArgs,
    parameters: &PlannedParameters,
    cancel: &Cancel,
    resolve: impl FnOnce(&Reporter) -> Result<Execution, Failure>,
) -> Result<(), Failure> {
    let targets = if args.plan {
        None
    } else {
        Some(Targets::check(args)?)
    };
    let prover_config = match &args.prover_config_file {
        Some(path) => read_stone_json(path)?,
        None => serde_json::json!({}),
    };
    let (device, why) = args.device.start(args.n_threads, args.memory)?;
    let reporter = Reporter::new(args.progress);

    let Execution {
        input,
        public,
        private,
    } = resolve(&reporter)?;
    let (params, params_file) = parameters.resolve(&input.public)?;
    let profile = parameters.profile();
    reporter.warn(&warnings(&params, profile));
    let job = Job {
        args,
        profile,
        targets,
        prover_config,
        input: &input,
        files: [public, private, params_file],
        statement: Statement::new(&input.public, &params).or_bad_input()?,
        reporter,
        cancel,
    };
    let does_not_fit = match &device {
        Started::Cpu(_) => None,
        device => on_device!(device, device => job.does_not_fit(device)),
    };
    match does_not_fit {
        Some(why) if args.device == device::DeviceSelection::Auto => {
            job.run(&device::start_cpu(args.n_threads)?, Some(why.to_string()))
        }
        _ => on_device!(&device, device => job.run(device, why)),
    }
}

impl Job<'_> {
    /// Why the proof does not fit the device; `None` if it fits.
    fn does_not_fit<D: Device>(&self, device: &D) -> Option<MemoryPlanError> {
        match prover::plan(device, self.args.memory, &self.statement) {
            Err(ProveError::Memory(why)) => Some(why),
            _ => None,
        }
    }

    /// Plans or proves on the device. `why` says why a preferred device was not taken.
    fn run<D: Backend>(self, device: &D, why: Option<String>) -> Result<(), Failure> {
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        self.reporter.note(&format!("device: {}{why}", device.name()));
        let args = self.args;
        let Some(targets) = &self.targets else {
            return memory::run(device, args.memory, &self.statement, args.json);
        };
        let [public_file, private_file, params_file] = self.files;
        if let Some(target) = &targets.parameters {
            target.write(format!("{params_file:#}\n").as_bytes())?;
        }
        if let Some(folder) = &args.write_inputs {
            let _whole = output::settle();
            self.input.write(folder).or_bad_input()?;
        }

        // Hashes the public memory. A run that a gate would reject only causes a warning.
        let verifier = Verifier::new(self.statement).or_bad_input()?;
        let profile = self.profile;
        let warnings = verifier.run().warning().into_iter();
        let by_profile = profile.and_then(|profile| profile.run_warning(verifier.run()));
        self.reporter
            .warn(&warnings.chain(by_profile).collect::<Vec<_>>());
        let annotations = args.generate_annotations;
        let options = ProveOptions {
            annotations: annotations.unwrap_or(profile.is_some_and(|profile| profile.annotations)),
            memory_budget: args.memory,
            observer: &self.reporter,
            cancel: Some(self.cancel),
        };
        let reporter = &self.reporter;
        let proof = prover::prove(device, verifier.statement(), self.input, &options)
            .map_err(|error| prove_failure(&error))?;
        if !args.no_verify {
            reporter.begin(Phase::Verify, 1.0);
            verify(&verifier, &proof.bytes)?;
        }
        if self.cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let n_bytes = proof.bytes.len();
        let claim = verifier.claim();
        let file = WrittenProofFile {
            annotations: proof.annotations,
            private_input: private_file,
            prover_config: self.prover_config,
            ..WrittenProofFile::new(proof.bytes, public_file, params_file)
        };
        targets.proof.write(file.to_text().as_bytes())?;

        let summary = Summary {
            statement: claim,
            profile: profile.map(|profile| profile.name),
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
}

/// Rejects flags that make Stone's prover stop, or make proofs that show nothing.
fn refuse_what_stone_lacks(args: &Args) -> Result<(), Failure> {
    if args.fix_public_input == Some(true) {
        return Err(Failure::bad_input(
            "--fix_public_input: not supported, as in Stone for Cairo; correct the public input instead",
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

/// Verifies the new proof at any level of security.
fn verify(verifier: &Verifier<'_>, proof: &[u8]) -> Result<(), Failure> {
    let failed = |error| {
        let message = format!(
            "the new proof does not verify, so it was not written: {error}; run `quarry check` with the same inputs to \
             see whether they satisfy the constraints"
        );
        Failure::new(Kind::Internal, message)
    };
    verifier.verify(proof, &Expectation::any()).map_err(failed)?;
    Ok(())
}
