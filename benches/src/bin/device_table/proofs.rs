//! Whole proofs, phase by phase, compared with their floor.

use crate::median;
use crate::rates::Rates;
use crate::report::{Operation, Report};
use quarry_kernels::{Backend, Hash};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::runner::{self, Executable, RunOptions};
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use quarry_prover_core::progress::Phase;
use quarry_prover_core::prover::{ProveError, ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use std::error::Error;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// A step limit that no program here reaches.
const STEP_LIMIT: usize = 1 << 24;

/// Settings for the proofs.
pub struct Proofs<'a, D: Backend> {
    /// The device.
    pub device: &'a D,
    /// The folder of the program.
    pub program: &'a Path,
    /// Runs of which the median is taken.
    pub runs: usize,
    /// Proof-of-work bits, instead of the profile's.
    pub proof_of_work_bits: Option<u32>,
    /// The device's own rates.
    pub rates: Option<&'a Rates>,
}

impl<D: Backend> Proofs<'_, D> {
    /// Times proofs of layout `recursive` with blowup 4 and 8, Keccak and Blake2s.
    pub fn recursive(&self, log_steps: u32, report: &mut Report) -> Result<(), Box<dyn Error>> {
        let input = self.execution("recursive", log_steps)?;
        let log_steps = input.public.n_steps.ilog2();
        for hash in [Hash::Keccak256, Hash::Blake256] {
            for log_n_cosets in [2, 3] {
                let mut parameters = self.parameters("stone", &input)?;
                parameters.log_n_cosets = log_n_cosets;
                parameters.commitment_hashes.top = hash;
                parameters.commitment_hashes.bottom = hash;
                let name = format!(
                    "recursive, 2^{log_steps} steps, blowup {}, {}",
                    1 << log_n_cosets,
                    hash.name()
                );
                self.time(name, &input, &parameters, report)?;
            }
        }
        Ok(())
    }

    /// Times a proof with the shape of settlement proofs, at the largest size that fits.
    pub fn settlement(
        &self,
        log_steps: RangeInclusive<u32>,
        report: &mut Report,
    ) -> Result<(), Box<dyn Error>> {
        for log_steps in log_steps.rev() {
            let input = self.execution("recursive_large_output", log_steps)?;
            let log_steps = input.public.n_steps.ilog2();
            let parameters = self.parameters("l1-sharp", &input)?;
            let name = format!(
                "recursive_large_output, 2^{log_steps} steps, l1-sharp, {} bits of proof of work",
                parameters.fri.proof_of_work_bits
            );
            if self.time(name, &input, &parameters, report)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs the program, padded to `2^log_steps` steps or to as many as it takes.
    fn execution(&self, layout: &str, log_steps: u32) -> Result<ProverInput, Box<dyn Error>> {
        let file = |name: &str| {
            let path = self.program.join(name);
            fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))
        };
        let program_input = serde_json::from_slice(&file("input.json")?)?;
        let options = RunOptions {
            max_steps: STEP_LIMIT,
            min_steps: 1 << log_steps,
            ..RunOptions::default()
        };
        Ok(runner::run(
            Executable::program(&file("program.json")?, Some(&program_input)),
            layout,
            &options,
        )?)
    }

    /// The parameters that a profile gives for an execution.
    fn parameters(&self, profile: &str, input: &ProverInput) -> Result<Parameters, Box<dyn Error>> {
        let profile = Profile::by_name(profile)?;
        let mut parameters = profile.parameters(input.public.n_steps, DEFAULT_SECURITY_BITS)?;
        if let Some(bits) = self.proof_of_work_bits {
            parameters.fri.proof_of_work_bits = bits;
        }
        Ok(parameters)
    }

    /// Times a proof. Returns whether it fits on the device.
    fn time(
        &self,
        name: String,
        input: &ProverInput,
        parameters: &Parameters,
        report: &mut Report,
    ) -> Result<bool, Box<dyn Error>> {
        let statement = Statement::new(&input.public, parameters)?;
        let shape = statement.shape()?;
        let work = shape.work(parameters);
        let mut seconds: Vec<Vec<f64>> = Vec::new();
        let mut peak = 0;
        for _ in 0..self.runs {
            let options = ProveOptions::default();
            let proof = match prove(self.device, &statement, input, &options) {
                Ok(proof) => proof,
                Err(ProveError::Memory(why)) => {
                    eprintln!("{name}: {why}");
                    return Ok(false);
                }
                Err(why) => return Err(why.into()),
            };
            let phases = &proof.statistics.phases;
            peak = phases.iter().map(|phase| phase.peak_bytes).max().unwrap_or(0);
            seconds.push(phases.iter().map(|phase| phase.time.as_secs_f64()).collect());
        }
        let in_median = |phase: usize| median(seconds.iter().map(|run| run[phase]).collect());
        let phases: Vec<_> = work
            .iter()
            .enumerate()
            .map(|(i, (phase, work))| {
                let floor = self.rates.map(|rates| {
                    let permutations = Some((work.hash, work.permutations));
                    rates.floor(work.multiplications, permutations, work.bytes)
                });
                (*phase, in_median(i), floor)
            })
            .collect();
        // The clock starts when the columns are ready.
        let timed = || phases.iter().filter(|(phase, ..)| *phase != Phase::Trace);
        let total = median(seconds.iter().map(|run| run[1..].iter().sum()).collect());
        let floor = self
            .rates
            .map(|_| timed().filter_map(|(_, _, floor)| *floor).sum());
        report.push(Operation::new(name, total, floor).with_phases(&phases, peak));
        Ok(true)
    }
}
