//! `quarry inspect`: a proof file section by section.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::source::read_text;
use crate::cli::statement;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::inspect;
use quarry_prover_core::proof::ProofFile;
use std::path::PathBuf;

/// Examples for `inspect --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry inspect proof.json
  quarry inspect proof.json --json | jq '.sections[].name'

Inspecting explains the bytes and does not verify them: use `quarry verify` for that.";

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The proof file
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let path = args.proof.display();
    let in_file = |failure: Failure| Failure::bad_input(format!("'{path}': {failure}"));
    let file = read_text(&args.proof)
        .and_then(|text| ProofFile::parse(&text).or_bad_input().map_err(in_file))
        .or_wrong_kind(&args.proof, FileKind::Proof)?;
    let inspection = inspect::inspect(&file).or_bad_input().map_err(in_file)?;
    if args.json {
        terminal::print_json(&inspection)
    } else {
        let mut table = Table::default();
        statement::rows(&mut table, &inspection.claim);
        terminal::print(format_args!("{table}\n{inspection}"))
    }
}
