//! Measures a device and compares it with the floor given by its own rates:
//! `device_table --device cuda --out FILE.json`.
//!
//! First it checks correctness: every law of the operations, and Stone's bytes for the cases in the repository. Then it
//! measures the GPU's own rates, operations, and whole proofs with the share of their floor in every phase. The time
//! of a proof runs from the trace's columns in host memory to the last byte; building the trace is timed separately.

mod checks;
mod operations;
mod proofs;
mod rates;
mod report;

use clap::Parser;
use quarry_kernels::cuda::CudaDevice;
use quarry_kernels::{Backend, CpuDevice, DeviceError, WgpuDevice};
use rates::Measure;
use report::Report;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures a device.
#[derive(Parser)]
struct Args {
    /// Device: cuda, cuda:N, wgpu, wgpu:N, cpu. To test this program: wgpu-software (a software adapter) and, with the
    /// feature emulation, emulated (the CUDA device with an emulated driver)
    #[arg(long, default_value = "cuda")]
    device: String,
    /// Parts to run: checks, rates, operations, proofs, settlement
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "checks,rates,operations,proofs,settlement"
    )]
    only: Vec<String>,
    /// Logarithm of the steps of the largest proof
    #[arg(long, default_value_t = 20)]
    largest: u32,
    /// Logarithm of the steps of the smallest proof
    #[arg(long, default_value_t = 16)]
    smallest: u32,
    /// Logarithm of the elements per transfer when rates are measured; other measurements scale with it
    #[arg(long, default_value_t = 24)]
    rate_size: u32,
    /// Number of runs, of which the median is taken
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Proof-of-work bits of the timed proofs, instead of their profile's: an emulated device takes hours for those of
    /// settlement
    #[arg(long)]
    proof_of_work_bits: Option<u32>,
    /// Folder of Stone's proofs to compare with
    #[arg(long, default_value = "prover-core/tests/data")]
    golden: PathBuf,
    /// Skip cases that took Stone more CPU seconds than this
    #[arg(long, default_value_t = 50.0)]
    stone_seconds: f64,
    /// Folder of the program to prove
    #[arg(long, default_value = "prover-core/examples/collatz")]
    program: PathBuf,
    /// Label of the results, for example driver and date
    #[arg(long, default_value = "")]
    label: String,
    /// Write all results to this file as JSON
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Exit code if the machine has no such device.
const ABSENT: u8 = 3;

fn main() -> ExitCode {
    let Err(error) = measure() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("Error: {error}");
    match error.downcast_ref() {
        Some(
            DeviceError::DriverMissing { .. }
            | DeviceError::NoSuchDevice { .. }
            | DeviceError::SoftwareOnly { .. },
        ) => ExitCode::from(ABSENT),
        _ => ExitCode::FAILURE,
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let cuda = |index| CudaDevice::new(index, None);
    let all_right = match args.device.as_str() {
        "cpu" => run(&CpuDevice::new(None)?, &args)?,
        #[cfg(feature = "emulation")]
        "emulated" => {
            quarry_kernels::cuda::emulation::install()?;
            run(&cuda(0)?, &args)?
        }
        "wgpu-software" => run(&adapter(true)?, &args)?,
        "wgpu" => run(&adapter(false)?, &args)?,
        "cuda" => run(&cuda(0)?, &args)?,
        name => match name.split_once(':').map(|(kind, index)| (kind, index.parse())) {
            Some(("cuda", Ok(index))) => run(&cuda(index)?, &args)?,
            Some(("wgpu", Ok(index))) => run(&WgpuDevice::new(index, None, false)?, &args)?,
            _ => {
                return Err(
                    "--device: expected cuda, cuda:N, wgpu, wgpu:N, wgpu-software, cpu or emulated".into(),
                );
            }
        },
    };
    if all_right {
        Ok(())
    } else {
        Err("the device failed checks: see the report".into())
    }
}

/// Starts the first adapter that is software, or the first that is not.
fn adapter(is_software: bool) -> Result<WgpuDevice, Box<dyn Error>> {
    let adapters = WgpuDevice::list();
    let first = adapters.iter().find(|adapter| adapter.is_software == is_software);
    let index = first.map_or(0, |adapter| adapter.index);
    Ok(WgpuDevice::new(index, None, is_software)?)
}

/// Runs the requested parts. Returns whether all checks passed.
fn run<D: Backend + Measure>(device: &D, args: &Args) -> Result<bool, Box<dyn Error>> {
    let wanted = |part: &str| args.only.iter().any(|only| only == part);
    let mut report = Report::new(device.name(), &args.label);
    if wanted("checks") {
        report.laws = checks::laws(device);
        report.cases = checks::cases(device, &args.golden, args.stone_seconds)?;
    }
    report.save(args.out.as_deref())?;
    let rates = if wanted("rates") {
        device.measure(args.rate_size)?
    } else {
        None
    };
    report.set_rates(rates);
    if wanted("operations") {
        // A proof's trace has 2^4 rows a step; transforms are timed up to 2^6 more.
        operations::run(device, args.largest + 6, args.runs, rates.as_ref(), &mut report)?;
    }
    report.save(args.out.as_deref())?;
    let proofs = proofs::Proofs {
        device,
        program: &args.program,
        runs: args.runs,
        proof_of_work_bits: args.proof_of_work_bits,
        rates: rates.as_ref(),
    };
    if wanted("proofs") {
        // The largest first: it is the most informative.
        for log_steps in (args.smallest..=args.largest).rev() {
            proofs.recursive(log_steps, &mut report)?;
            report.save(args.out.as_deref())?;
        }
    }
    if wanted("settlement") {
        proofs.settlement(args.smallest..=args.largest, &mut report)?;
    }
    report.save(args.out.as_deref())?;
    Ok(report.all_right())
}

/// The median of an odd number of runs, in seconds.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
