//! `quarry verify`: verifies a proof file and shows what it proves.

use crate::cli::expect;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::output::Target;
use crate::cli::read::{self, Limit};
use crate::cli::statement;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_prover_core::parameters::StoneVersion;
use quarry_prover_core::verifier::{Outcome, Recording, verify_file};
use std::path::PathBuf;

/// Examples for `verify --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry verify proof.json
  curl -s https://example.org/proof.json | quarry verify -
  quarry verify proof.json --expect-program program.json --expect-output 144 && settle
      a gate: succeeds only for this program, its builtins and this output
  quarry verify proof.json --expect-program-hash 0x1f3c... \\
      --expect-builtins output,range_check --expect-output 144
      the same without the file: the hash alone does not cover which builtins main had
  quarry verify proof.json --min-security-bits 96 --json
  quarry verify proof.json --run relaxed --expect-task-program-hash 0x931813...
      expects one task of a bootloader (a bootloader that Quarry does not know also needs
      --expect-bootloader-hash)
  quarry verify proof.json --stone-version stone5
      accepts only a proof of the older Stone; without the option both versions are tried
  cpu_air_verifier --in_file=proof.json --annotation_file=a.txt
      through a link to quarry with that name

The statement (program, output, steps) and the parameters are read from the proof file, so a
valid proof may prove something else than you want. Compare what is printed, or use the
--expect options. Exit code 3 means: reject the proof.";

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Proof file; - reads standard input
    #[arg(
        value_name = "PROOF",
        required_unless_present = "in_file",
        conflicts_with = "in_file"
    )]
    proof: Option<PathBuf>,
    /// Proof file, as a flag of cpu_air_verifier
    #[arg(long, value_name = "FILE")]
    in_file: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
    /// Write the verifier's annotations of the proof to this file
    #[arg(long, value_name = "FILE")]
    annotation_file: Option<PathBuf>,
    /// Write the verifier's extra annotations (for splitting a proof) to this file
    #[arg(long, value_name = "FILE")]
    extra_output_file: Option<PathBuf>,
    #[command(flatten)]
    expect: expect::Args,
    /// Version of Stone that made the proof [default: the file's, or else both are tried]
    #[arg(long, value_name = "stone5|stone6", value_parser = parse_stone_version)]
    stone_version: Option<StoneVersion>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Accepted for compatibility with cpu_air_verifier, and ignored
    #[arg(long, value_name = "N", hide = true)]
    n_threads: Option<usize>,
}

fn parse_stone_version(name: &str) -> Result<StoneVersion, String> {
    StoneVersion::from_name(name).ok_or_else(|| {
        format!(
            "expected one of {}",
            StoneVersion::ALL.map(StoneVersion::name).join(", ")
        )
    })
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Some(path) = args.proof.as_ref().or(args.in_file.as_ref()) else {
        return Err(Failure::bad_input("give a proof file"));
    };
    let target = |path: &Option<PathBuf>| path.as_deref().map(Target::check).transpose();
    let annotation_target = target(&args.annotation_file)?;
    let extra_target = target(&args.extra_output_file)?;
    let expectation = args.expect.expectation()?;

    let in_file = |failure: Failure| Failure::bad_input(format!("{}: {failure}", read::name(path)));
    let file = args.limit.read_proof(path)?;
    let recording = match annotation_target.is_some() || extra_target.is_some() {
        true => Recording::Lines,
        false => Recording::Nothing,
    };
    let Outcome { result, record } = verify_file(&file, args.stone_version, &expectation, recording)
        .or_bad_input()
        .map_err(in_file)?;
    let written = [(annotation_target, record.lines), (extra_target, record.extra)];
    for (target, content) in written {
        target
            .map(|target| target.write(content.as_bytes()))
            .transpose()?;
    }
    let verified = result.map_err(|error| expect::rejection(&error))?;

    for warning in &verified.warnings {
        terminal::tell(format_args!("warning: {warning}\n"));
    }
    if args.json {
        return terminal::print_json(&verified);
    }
    let mut table = Table::default();
    statement::rows(&mut table, &verified);
    terminal::print(format_args!("{table}the proof holds\n"))
}
