//! `quarry inspect`: explains a proof file section by section, a Cairo PIE, or a Scarb executable.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::inspect_executable;
use crate::cli::read::{self, Limit};
use crate::cli::statement;
use crate::cli::table::{self, Table};
use crate::cli::terminal;
use quarry_kernels::felt;
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::inspect::{self, PieInspection, inspect_pie};
use quarry_tasks::executable;
use quarry_tasks::pie::{self, CairoPie, PieLimits};
use serde::Serialize;
use std::path::PathBuf;

/// Examples for `inspect --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry inspect proof.json
  quarry inspect proof.json --json | jq '.sections[].name'
  quarry inspect pie.zip
      shows a PIE's program hashes, builtins, steps and output
  quarry inspect target/dev/package.executable.json
      shows where a Scarb executable can be entered, its builtins and program hashes

This command explains the bytes; it does not verify them. Use `quarry verify` for that.";

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Proof file, Cairo PIE (zip) or Scarb executable (JSON); - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    limit: Limit,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let path = &args.file;
    let in_file = |failure: Failure| Failure::bad_input(format!("{}: {failure}", read::name(path)));
    let bytes = args.limit.read(path)?;
    match FileKind::of(&*bytes) {
        Some(FileKind::Pie) => {
            let pie = pie::read(&bytes, &PieLimits::default());
            return show_pie(&pie.or_bad_input().map_err(in_file)?, bytes.len(), args.json);
        }
        Some(FileKind::Executable) => {
            let executable = executable::read(&bytes).or_bad_input().map_err(in_file)?;
            return inspect_executable::show(&executable, bytes.len(), args.json);
        }
        _ => {}
    }
    let file = read::parse_proof(&bytes, path)?;
    let inspection = inspect::inspect(&file).or_bad_input().map_err(in_file)?;
    if args.json {
        terminal::print_json(&inspection)
    } else {
        let mut table = Table::default();
        statement::rows(&mut table, &inspection.claim);
        terminal::print(format_args!("{table}\n{inspection}"))
    }
}

/// The explanation of a PIE as JSON.
#[derive(Serialize)]
struct Pie {
    file_bytes: usize,
    #[serde(flatten)]
    inspection: PieInspection,
}

fn show_pie(pie: &CairoPie, file_bytes: usize, json: bool) -> Result<(), Failure> {
    let inspection = inspect_pie(pie);
    if json {
        return terminal::print_json(&Pie {
            file_bytes,
            inspection,
        });
    }
    let mut table = Table::default();
    table.row(
        "file",
        format!("a Cairo PIE, {}", table::bytes(file_bytes as u64)),
    );
    table.row("program", format!("{} words", inspection.program_words));
    let hash = inspection.program_hash;
    let in_output = "in the bootloader's output";
    table.row(
        "program hash",
        format!("{} (Pedersen, {in_output})", felt::to_hex(&hash.pedersen)),
    );
    table.row(
        "",
        format!("{} (Poseidon, {in_output})", felt::to_hex(&hash.poseidon)),
    );
    let builtins = inspection.builtins.iter();
    let builtins: Vec<_> = builtins
        .map(|builtin| format!("{} ({} cells)", builtin.name, builtin.cells))
        .collect();
    table.row(
        "builtins",
        if builtins.is_empty() {
            "none".to_owned()
        } else {
            builtins.join(", ")
        },
    );
    table.row(
        "steps",
        format!(
            "{} (as the PIE says; the bootloader adds its own)",
            inspection.claimed_steps
        ),
    );
    table.row("memory", format!("{} cells", inspection.memory_cells));
    let output = inspection.output.as_deref().map(statement::readable_list);
    table.row(
        "output",
        output.unwrap_or_else(|| "not all of it is a number".to_owned()),
    );
    terminal::print(table)
}
