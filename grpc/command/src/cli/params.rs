//! `quarry params`: writes the parameter file of a profile.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::output::Target;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, PROFILES, Profile};
use std::path::PathBuf;

/// Examples for `params --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry params --list
  quarry params --steps 65536 --out params.json
  quarry params --steps 8192 --profile stone --security-bits 80";

/// Arguments of `params`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List all profiles
    #[arg(long, exclusive = true)]
    list: bool,
    /// Number of steps of the execution, a power of two
    #[arg(long, value_name = "N", required_unless_present = "list")]
    steps: Option<u64>,
    /// Profile: the verifier that the proof is for [default: integrity-stone6-keccak160]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Target for the conjectured security, in bits
    #[arg(long, value_name = "BITS", default_value_t = DEFAULT_SECURITY_BITS)]
    security_bits: u32,
    /// Write the parameters to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Some(n_steps) = args.steps else {
        return terminal::print(list());
    };
    let profile = match &args.profile {
        Some(name) => Profile::by_name(name).or_bad_input()?,
        None => Profile::default_profile(),
    };
    let parameters = profile.parameters(n_steps, args.security_bits).or_bad_input()?;
    let text = format!("{:#}\n", parameters.to_json());
    match &args.out {
        Some(path) => Target::check(path)?.write(text.as_bytes())?,
        None => terminal::print(text)?,
    }
    let bits = parameters.security_bits();
    let name = profile.name;
    terminal::tell(format_args!(
        "{name}: {n_steps} steps, {bits} bits of conjectured security\n"
    ));
    Ok(())
}

fn list() -> Table {
    let mut table = Table::default();
    for profile in PROFILES {
        let layouts = profile
            .limits
            .layouts
            .map_or("all".to_owned(), |layouts| layouts.join(", "));
        table.row(profile.name, format!("{} [layouts: {layouts}]", profile.purpose));
    }
    table
}
