//! `quarry dynamic-params`: searches the parameters of layout dynamic with which a proof is cheapest.

use crate::cli::explain::why;
use crate::cli::failure::{Failure, Kind};
use crate::cli::grid::Grid;
use crate::cli::output::Target;
use crate::cli::source::Source;
use crate::cli::terminal;
use quarry_prover_core::demand::STEPS;
use quarry_prover_core::dynamic_search::{Cheaper, Found};
use std::path::PathBuf;

/// Examples for `dynamic-params --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry dynamic-params --pie pie.zip --out dynamic.json
  quarry prove --pie pie.zip --dynamic-params dynamic.json --profile stone
  quarry layouts dynamic --dynamic-params dynamic.json

The command runs the program or the PIEs twice: with generous parameters, to see what the run
uses, and with those found.";

/// Arguments of `dynamic-params`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Write the parameters to this file (Stone's dynamic_params, JSON) [default: only show them with --json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let target = args.out.as_deref().map(Target::check).transpose()?;
    let found = args.source.search()?;
    if let Some(target) = target {
        let text = serde_json::to_string_pretty(&found.dynamic_params)
            .map_err(|error| Failure::from_error(Kind::Internal, &error))?;
        target.write(format!("{text}\n").as_bytes())?;
    }
    if args.json {
        return terminal::print_json(&found);
    }
    terminal::print(explained(&found))
}

/// What the parameters cost, in words.
fn explained(found: &Found) -> String {
    let mut grid = Grid::new(["builtin", "used", "held", "rows per instance"]);
    for builtin in &found.builtins {
        grid.row([
            builtin.name.to_owned(),
            builtin.used.to_string(),
            builtin.held.to_string(),
            builtin.rows.to_string(),
        ]);
    }
    let [first, second] = found.n_columns;
    let why = why(found.run_steps, found.n_steps, found.decided_by);
    let cheaper = found.cheaper.as_ref().map_or_else(String::new, cheaper);
    format!("{grid}\n{why}{cheaper}the trace has {first} + {second} columns\n")
}

/// What would make the trace shorter.
fn cheaper(Cheaper { n_steps, of, fewer }: &Cheaper) -> String {
    let what = match *of {
        STEPS => format!("{fewer} of its steps"),
        builtin => format!("{fewer} of the instances of '{builtin}'"),
    };
    format!("without {what} the trace would have {n_steps} steps\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_save_steps_is_said() {
        let said = |of, fewer| {
            cheaper(&Cheaper {
                n_steps: 512,
                of,
                fewer,
            })
        };
        let [steps, keccak] = [said(STEPS, 3), said("keccak", 2)];
        assert_eq!(steps, "without 3 of its steps the trace would have 512 steps\n");
        assert_eq!(
            keccak,
            "without 2 of the instances of 'keccak' the trace would have 512 steps\n"
        );
    }
}
