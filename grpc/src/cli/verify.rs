//! `quarry verify`: what a proof file says, and whether it is true.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::output::Target;
use crate::cli::read::{self, Limit};
use crate::cli::statement::{self, parse_felt, readable_list};
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::params::StoneVersion;
use quarry_prover_core::verifier::{Verified, Verifier, VerifyError, VerifyOptions};
use std::path::PathBuf;

/// Examples for `verify --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry verify proof.json
  curl -s https://example.org/proof.json | quarry verify -
  quarry verify proof.json --expect-program-hash 0x1f3c... --expect-output 144 && settle
  quarry verify proof.json --min-security-bits 96 --json
  quarry verify proof.json --stone-version stone5
      a proof by an older Stone, whose file does not say so
  cpu_air_verifier --in_file=proof.json --annotation_file=a.txt
      (a link to quarry of that name)

The statement (program, output, steps) and the parameters are read from the proof file: that
it holds does not say that it proves what you want. Compare what is printed, or use the
--expect options. Exit code 3 means: do not accept.";

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// The proof file; - is standard input
    #[arg(
        value_name = "PROOF",
        required_unless_present = "in_file",
        conflicts_with = "in_file"
    )]
    proof: Option<PathBuf>,
    /// The proof file, as cpu_air_verifier has it
    #[arg(long, value_name = "FILE")]
    in_file: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
    /// Write the verifier's annotations of the proof here
    #[arg(long, value_name = "FILE")]
    annotation_file: Option<PathBuf>,
    /// Write the verifier's extra annotations (for splitting a proof) here
    #[arg(long, value_name = "FILE")]
    extra_output_file: Option<PathBuf>,
    /// Refuse proofs of less conjectured security
    #[arg(long, value_name = "BITS", default_value_t = VerifyOptions::default().min_security_bits)]
    min_security_bits: u64,
    /// The version of Stone that made the proof [default: what the file says, or stone6]
    #[arg(long, value_name = "stone5|stone6", value_parser = parse_stone_version)]
    stone_version: Option<StoneVersion>,
    /// Refuse proofs of another program; in the Pedersen or the Poseidon form
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_program_hash: Option<Felt>,
    /// Refuse proofs of another output; give "" for none
    #[arg(long, value_name = "VALUE,...", value_parser = parse_output, allow_hyphen_values = true)]
    expect_output: Option<Output>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Tolerated, as cpu_air_verifier does
    #[arg(long, value_name = "N", hide = true)]
    n_threads: Option<usize>,
}

/// Values of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Output(Vec<Felt>);

fn parse_output(text: &str) -> Result<Output, String> {
    let values = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    Ok(Output(values.map(parse_felt).collect::<Result<_, _>>()?))
}

fn parse_stone_version(name: &str) -> Result<StoneVersion, String> {
    StoneVersion::from_name(name).ok_or_else(|| {
        format!(
            "known are {}",
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

    let in_file = |failure: Failure| Failure::bad_input(format!("{}: {failure}", read::name(path)));
    let file = args.limit.read_proof(path)?;
    let (statement, mut params) = (file.statement, file.parameters);
    params.stone_version = args.stone_version.unwrap_or(params.stone_version);
    let verifier = Verifier::new(&statement, &params)
        .or_bad_input()
        .map_err(in_file)?;
    let options = VerifyOptions {
        min_security_bits: args.min_security_bits,
    };
    let result = if annotation_target.is_some() || extra_target.is_some() {
        let (result, files) = verifier.verify_annotated(&file.proof, &options);
        let written = [
            (annotation_target, files.annotation_file),
            (extra_target, files.extra_output_file),
        ];
        for (target, content) in written {
            target
                .map(|target| target.write(content.as_bytes()))
                .transpose()?;
        }
        result
    } else {
        verifier.verify(&file.proof, &options)
    };
    let verified = result.map_err(|error| rejection(&error))?;
    check_expectations(args, &verified)?;

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

fn rejection(error: &VerifyError) -> Failure {
    let hint = match error {
        VerifyError::Security { .. } => "; --min-security-bits says how much is enough",
        _ => "",
    };
    Failure::new(Kind::Rejected, format!("{error}{hint}"))
}

/// Refuses a proof of something else than what is expected.
fn check_expectations(args: &Args, verified: &Verified) -> Result<(), Failure> {
    let rejected = |message: String| Err(Failure::new(Kind::Rejected, message));
    if let Some(expected) = args.expect_program_hash {
        let found = [verified.program_hash_pedersen, verified.program_hash_poseidon];
        if !found.contains(&expected) {
            let [pedersen, poseidon, expected] =
                [found[0], found[1], expected].map(|hash| felt::to_hex(&hash));
            return rejected(format!(
                "the proof is of another program: its hash is {pedersen} (Pedersen) or {poseidon} (Poseidon), \
                 not {expected}"
            ));
        }
    }
    if let Some(Output(expected)) = &args.expect_output
        && *expected != verified.output
    {
        let [found, expected] = [&verified.output, expected].map(|values| readable_list(values));
        return rejected(format!(
            "the proof is of another output: {found}; expected {expected}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_lists_of_field_elements() {
        let list = |values: &[u64]| Ok(Output(values.iter().map(|&value| value.into()).collect()));
        assert_eq!(parse_output("1,0x2, 3"), list(&[1, 2, 3]));
        assert_eq!(parse_output(""), list(&[]));
        assert!(parse_output("1,,2").is_err());
        assert!(parse_output("1,x").is_err());
    }
}
