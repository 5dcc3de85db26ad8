//! `quarry doctor`: reports this machine's hardware, its measured speed, and what slows proofs down.

use crate::cli::failure::Failure;
use crate::cli::table::{Table, bytes, per_second};
use crate::cli::terminal;
use quarry_hw_profiles::{HardwareProfile, Warning};
use serde::Serialize;

/// Examples for `doctor --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry doctor
  quarry doctor --json | jq '.warnings'";

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// The JSON report.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    profile: &'a HardwareProfile,
    warnings: &'a [Warning],
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let profile = HardwareProfile::measure();
    let warnings = profile.warnings();
    if args.json {
        let (profile, warnings) = (&profile, warnings.as_slice());
        return terminal::print_json(&Report { profile, warnings });
    }
    terminal::print(table(&profile))?;
    for warning in &warnings {
        terminal::print(format_args!(
            "\nwarning: {}\n  -> {}\n",
            warning.found, warning.advice
        ))?;
    }
    if warnings.is_empty() {
        terminal::print("\nno problems found\n")?;
    }
    Ok(())
}

fn table(profile: &HardwareProfile) -> Table {
    let mut table = Table::default();
    let (cpu, memory) = (&profile.cpu, &profile.memory);
    table.row("processor", cpu.model.as_deref().unwrap_or("unknown"));
    table.row("architecture", &cpu.architecture);
    table.row_if("cores", cpu.cores);
    table.row("usable threads", cpu.threads);
    table.row("extensions", cpu.features.join(" "));
    for cache in &cpu.caches {
        table.row(format!("L{} cache", cache.level), bytes(cache.bytes));
    }
    table.row_if("memory", memory.total_bytes.map(bytes));
    table.row_if("memory available", memory.available_bytes.map(bytes));
    if let Some(rates) = &profile.rates {
        for (name, rate) in rates.on_one_core() {
            table.row_if(format!("{name}, one core"), rate.map(per_second));
        }
        table.row("memory copied", format!("{}/s", bytes(rates.copied_bytes as u64)));
    }
    table
}
