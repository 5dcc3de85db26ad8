//! `quarry inspect`: explains a proof file section by section.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::read::{self, Limit};
use crate::cli::statement;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_prover_core::inspect;
use std::path::PathBuf;

/// Examples for `inspect --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry inspect proof.json
  quarry inspect proof.json --json | jq '.sections[].name'

This command explains the bytes; it does not verify them. Use `quarry verify` for that.";

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Proof file; - reads standard input
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    #[command(flatten)]
    limit: Limit,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let in_file = |failure: Failure| Failure::bad_input(format!("{}: {failure}", read::name(&args.proof)));
    let file = args.limit.read_proof(&args.proof)?;
    let inspection = inspect::inspect(&file).or_bad_input().map_err(in_file)?;
    if args.json {
        terminal::print_json(&inspection)
    } else {
        let mut table = Table::default();
        statement::rows(&mut table, &inspection.claim);
        terminal::print(format_args!("{table}\n{inspection}"))
    }
}
