//! `quarry wrap`: proves that a proof holds.

use crate::cli::bootloader::{self, HashChoice, parse_hash_function};
use crate::cli::device;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::interrupt;
use crate::cli::progress::Reporter;
use crate::cli::prove::{self, ProofArgs};
use crate::cli::proved::Proved;
use crate::cli::read::Limit;
use crate::cli::source::{Execution, STEP_LIMIT, Source, read};
use crate::cli::statement::parse_felt;
use crate::cli::task_reader::in_file;
use crate::cli::wrap_args::WrapArgs;
use quarry_kernels::Felt;
use quarry_prover_core::cairo::runner::verifier_program::{LAYOUT, PROFILE, VerifierProgramError, Wrapping};
use quarry_prover_core::cairo::runner::{Executable, RunOptions};
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use quarry_prover_core::progress::Cancel;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use quarry_tasks::bootloader::Tasks;
use std::path::PathBuf;

/// Examples for `wrap --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry prove --pie pie.zip --layout small --profile cairo-verifier --bootloader short --out inner.json
  quarry wrap inner.json --out wrapped.json
      proves in layout recursive_with_poseidon that inner.json holds
  quarry wrap inner.json --plan
      shows the steps, and what memory the proof would take
  quarry wrap inner.json --verifier verifier.json --expect-verifier-hash 0x..
      uses another Cairo verifier

The Cairo verifiers accept proofs of the bootloaders short and simple, with the parameters of profile cairo-verifier.
docs/pie.md says what the wrapped proof shows.";

/// Arguments of `wrap`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Proof file, made with profile cairo-verifier; - reads standard input
    #[arg(value_name = "PROOF")]
    inner: PathBuf,
    /// Compiled Cairo verifier (JSON) of the proof's layout [default: StarkWare's]
    #[arg(long, value_name = "FILE")]
    verifier: Option<PathBuf>,
    /// Refuse a Cairo verifier with another program hash (Pedersen or Poseidon, as a bootloader's output has it)
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_verifier_hash: Option<Felt>,
    /// Bootloader that runs the Cairo verifier: layout takes the one with exactly the builtins of
    /// recursive_with_poseidon, short one with all builtins, simple StarkWare's simple bootloader 0.15.0; anything else
    /// is the file of a compiled one (JSON)
    #[arg(long, value_name = "layout|short|simple|FILE", default_value = bootloader::DEFAULT)]
    bootloader: PathBuf,
    /// Refuse a bootloader with another program hash (Pedersen or Poseidon, as `quarry verify` shows them)
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_bootloader_hash: Option<Felt>,
    /// Hash function of the Cairo verifier's program in the output; auto takes the one with which the run has fewer
    /// steps
    #[arg(long, value_name = "auto|pedersen|poseidon", default_value = "auto")]
    #[arg(value_parser = parse_hash_function)]
    program_hash_function: HashChoice,
    /// Reject proofs with fewer bits of conjectured security; the Cairo verifiers accept none with fewer than 96
    #[arg(long, value_name = "BITS", default_value_t = DEFAULT_SECURITY_BITS.into())]
    min_security_bits: u64,
    /// Stop a run that lasts for more than this many steps
    #[arg(long, value_name = "N", default_value_t = STEP_LIMIT)]
    step_limit: usize,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    pub proof: ProofArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let cancel = interrupt::listen(args.proof.json)?;
    device::start_pool(args.proof.n_threads)?;
    args.run(&cancel)
}

/// Proves tasks for a Cairo verifier, and wraps the proof. `proof` is how the wrapped proof is made.
pub fn prove_and_wrap(
    source: &Source,
    wrapping: &WrapArgs,
    proof: &ProofArgs,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let source = source.for_wrapping()?;
    let outer = proof.parameters.read()?;
    check_profile(&outer)?;
    let profile = Profile::by_name(PROFILE).or_bad_input()?;
    // The inner proof is as secure as the wrapped one is to be.
    let bits = match outer {
        PlannedParameters::Profile(_, bits) => bits.max(DEFAULT_SECURITY_BITS),
        PlannedParameters::File(..) => DEFAULT_SECURITY_BITS,
    };
    let parameters = PlannedParameters::Profile(profile, bits);
    let inner = proof.of_inner();
    let outer = Args::of(
        inner.out.clone(),
        wrapping.clone(),
        proof.clone(),
        source.step_limit(),
    );
    // What is wrong with these files is to be known before anything is proved.
    let programs = outer.wrapping()?;
    prove::make(&inner, &parameters, cancel, |reporter| {
        let execution = source.resolve(&parameters, reporter)?;
        let public = &execution.input.public;
        let (parameters, _) = parameters.resolve(public).or_bad_input()?;
        let verifier = Statement::new(public, &parameters).and_then(Verifier::new);
        let checked = programs.check(&verifier.or_bad_input()?);
        checked.map_err(|error| outer.failure(&error))?;
        Ok(execution)
    })?;
    outer.run(cancel)
}

/// Refuses a profile whose verifier does not take wrapped proofs: before anything is run or proved.
fn check_profile(parameters: &PlannedParameters) -> Result<(), Failure> {
    let profile = parameters.profile();
    profile
        .map_or(Ok(()), |profile| profile.check_layout(LAYOUT))
        .or_bad_input()
}

impl Args {
    /// The options of a wrapped proof that is made right after the inner one.
    fn of(inner: PathBuf, wrapping: WrapArgs, proof: ProofArgs, step_limit: usize) -> Self {
        Self {
            inner,
            verifier: wrapping.verifier,
            expect_verifier_hash: wrapping.expect_verifier_hash,
            bootloader: wrapping.wrap_bootloader,
            expect_bootloader_hash: wrapping.expect_wrap_bootloader_hash,
            program_hash_function: wrapping.wrap_program_hash_function,
            min_security_bits: DEFAULT_SECURITY_BITS.into(),
            step_limit,
            limit: Limit::default(),
            proof,
        }
    }

    fn run(&self, cancel: &Cancel) -> Result<(), Failure> {
        let parameters = self.proof.parameters.read()?;
        check_profile(&parameters)?;
        prove::make(&self.proof, &parameters, cancel, |reporter| {
            self.execution(&parameters, reporter)
        })
    }

    /// Runs the Cairo verifier over the proof, and the bootloader over that run.
    fn execution(&self, parameters: &PlannedParameters, reporter: &Reporter) -> Result<Execution, Failure> {
        reporter.prepare("verify in Cairo");
        let tasks = self.tasks(&|note| reporter.note(note))?;
        reporter.prepare("run tasks");
        let plan = Plan {
            layout: PlannedLayout::Static(LAYOUT.to_owned()),
            parameters: parameters.clone(),
        };
        let input = plan
            .run(Executable::Tasks(&tasks), &self.options())
            .map_err(|error| bootloader::failure(&self.bootloader, &error))?;
        reporter.note(&format!("steps of the proof: {}", input.public.n_steps));
        if let Some(profile) = parameters.profile() {
            profile.check_statement(&input.public).or_bad_input()?;
        }
        Ok(Execution::of(input))
    }

    /// The Cairo verifier's run over the proof, as the task of a bootloader.
    fn tasks(&self, note: &dyn Fn(&str)) -> Result<Tasks, Failure> {
        let inner = Proved::read(&self.inner, &self.limit, self.min_security_bits)?;
        let wrapping = self.wrapping()?;
        let tasks = wrapping.tasks(&inner.verifier()?, inner.proof(), self.step_limit);
        let tasks = tasks.map_err(|error| self.failure(&error))?;
        for task in tasks.tasks() {
            let n_steps = task.pie.execution_resources.n_steps;
            note(&format!("steps of the Cairo verifier: {n_steps}"));
        }
        Ok(tasks)
    }

    /// How the proof is wrapped, with the files that the options name.
    fn wrapping(&self) -> Result<Wrapping, Failure> {
        Ok(Wrapping {
            verifier: self.verifier.as_deref().map(read).transpose()?,
            expected_verifier_hash: self.expect_verifier_hash,
            bootloader: bootloader::read(&self.bootloader)?,
            expected_bootloader_hash: self.expect_bootloader_hash,
            hash_function: self.program_hash_function.0,
        })
    }

    /// The failure to wrap. It names the file that is at fault.
    fn failure(&self, error: &VerifierProgramError) -> Failure {
        let failure = Failure::from_error(Kind::BadInput, error);
        match error {
            VerifierProgramError::Run(_) | VerifierProgramError::Hash { .. } => match &self.verifier {
                Some(path) => in_file(path, &failure),
                None => failure,
            },
            VerifierProgramError::Bootloader(_) => bootloader::named(&self.bootloader, failure),
            VerifierProgramError::Layout(_) => {
                Failure::bad_input(format!("{failure}; give one with --verifier FILE"))
            }
            _ => failure,
        }
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            max_steps: self.step_limit,
            ..RunOptions::default()
        }
    }
}
