//! `quarry check`: checks that inputs satisfy every constraint, and names the first one that fails.

use crate::cli::device;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::parameters;
use crate::cli::progress::{Reporter, Style};
use crate::cli::prove::prove_failure;
use crate::cli::source::Source;
use crate::cli::terminal;
use quarry_kernels::felt;
use quarry_prover_core::air::{CellValue, Violation};
use quarry_prover_core::prover;
use serde::Serialize;

/// Examples for `check --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry check program.json --input input.json
  quarry check --pie pie.zip --layout small
  quarry check program.json --input input.json --bootload
  quarry check --executable target/dev/package.executable.json --args 3,0x1f
  quarry check --public_input_file=public_input.json --private_input_file=private_input.json

Names the first constraint that fails (lowest row, then lowest constraint) with its row,
cells and values, and exits with code 3. No proof is made.";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Number of CPU threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    n_threads: Option<u16>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// The JSON report when all constraints hold.
#[derive(Serialize)]
struct Report {
    n_rows: usize,
    n_constraints: usize,
}

/// The JSON details of the failure when a constraint does not hold.
#[derive(Serialize)]
struct Violated {
    constraint: usize,
    name: String,
    row: usize,
    value: String,
    cells: Vec<Cell>,
}

/// A cell that the constraint reads.
#[derive(Serialize)]
struct Cell {
    name: String,
    index: usize,
    column: usize,
    row: usize,
    value: String,
}

impl Violated {
    fn new(violation: &Violation) -> Self {
        let cell = |cell: &CellValue| Cell {
            name: cell.name.clone(),
            index: cell.index,
            column: cell.column,
            row: cell.row,
            value: felt::to_hex(&cell.value),
        };
        Self {
            constraint: violation.constraint,
            name: violation.name.clone(),
            row: violation.row,
            value: felt::to_hex(&violation.value),
            cells: violation.cells.iter().map(cell).collect(),
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    device::start_pool(args.n_threads)?;
    let device = device::start_cpu(args.n_threads)?;
    interrupt::listen(args.json)?;
    let execution = args
        .source
        .resolve(&parameters::any()?, &Reporter::new(Style::None))?;
    let checked = prover::check(&device, &execution.input).map_err(|error| prove_failure(&error))?;
    let (n_rows, n_constraints) = (checked.n_rows, checked.n_constraints);
    if let Some(violation) = &checked.violation {
        return Err(Failure::new(Kind::Rejected, violation).with_details(&Violated::new(violation)));
    }
    if args.json {
        terminal::print_json(&Report {
            n_rows,
            n_constraints,
        })?;
    }
    terminal::tell(format_args!(
        "all {n_constraints} constraints hold in all {n_rows} rows\n"
    ));
    Ok(())
}
