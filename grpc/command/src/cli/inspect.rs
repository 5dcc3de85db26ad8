//! `quarry inspect`: explains a proof file section by section, a Cairo PIE, or a Scarb executable.

use crate::cli::explain;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::inspect_executable;
use crate::cli::progress::{Reporter, Style};
use crate::cli::read::{self, Limit};
use crate::cli::source::STEP_LIMIT;
use crate::cli::statement;
use crate::cli::table::{self, Table};
use crate::cli::terminal;
use quarry_kernels::felt;
use quarry_prover_core::cairo::runner::{Executable, RunOptions};
use quarry_prover_core::choice::{Choice, choose_and_tell};
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::inspect::{self, ForeignInstruction, PieInspection, inspect_pie};
use quarry_prover_core::plan::PlannedParameters;
use quarry_tasks::bootloader::Tasks;
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
  quarry inspect pie.zip --cost
      also runs it in each layout that the default profile allows, and shows what a proof would cost
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
    /// For a PIE: also run it under the bootloader in every layout that the default profile's verifier supports, and
    /// show what a proof would cost in each. This takes as long as some twenty runs
    #[arg(long)]
    cost: bool,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let path = &args.file;
    let in_file = |failure: Failure| Failure::bad_input(format!("{}: {failure}", read::name(path)));
    let bytes = args.limit.read(path)?;
    let kind = FileKind::of(&*bytes);
    if args.cost && kind != Some(FileKind::Pie) {
        return Err(Failure::bad_input(
            "--cost: only a PIE can be run as it is; for a program or an executable use `quarry prove .. --explain`",
        ));
    }
    match kind {
        Some(FileKind::Pie) => {
            let pie = pie::read(&bytes, &PieLimits::default());
            let pie = pie.or_bad_input().map_err(in_file)?;
            let inspection = inspect_pie(&pie);
            let choice = args.cost.then(|| cost(pie).map_err(in_file)).transpose();
            return show_pie(inspection, choice, bytes.len(), args);
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

/// What a proof of the PIE alone would cost, as `quarry prove --pie FILE --explain` counts it.
fn cost(pie: CairoPie) -> Result<Choice, Failure> {
    let options = RunOptions {
        max_steps: STEP_LIMIT,
        ..RunOptions::default()
    };
    let tasks = Tasks::new(vec![pie]);
    let reporter = Reporter::new(Style::Auto);
    let tell = |layout, fraction| reporter.prepare_part(layout, fraction);
    let parameters = PlannedParameters::default();
    let choice = choose_and_tell(Executable::Tasks(&tasks), &options, &parameters, &tell);
    reporter.finish();
    choice.or_bad_input()
}

/// The explanation of a PIE as JSON.
#[derive(Serialize)]
struct Pie<'a> {
    file_bytes: usize,
    #[serde(flatten)]
    inspection: PieInspection,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<explain::Report<'a>>,
}

/// Shows a PIE. If the cost is wanted and the PIE does not run, all else is shown, and then the failure.
fn show_pie(
    inspection: PieInspection,
    choice: Result<Option<Choice>, Failure>,
    file_bytes: usize,
    args: &Args,
) -> Result<(), Failure> {
    let (choice, failed) = match choice {
        Ok(choice) => (choice, Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    let pie = Pie {
        file_bytes,
        inspection,
        cost: choice.as_ref().map(explain::Report::of),
    };
    if args.json {
        // One object, whatever happens.
        failed.map_err(|failure| failure.with_details(&pie))?;
        return terminal::print_json(&pie);
    }
    let mut table = pie_table(&pie);
    if !args.cost {
        let path = args.file.display();
        table.row(
            "cost",
            format!("`quarry inspect {path} --cost` runs it and shows it; so does `quarry prove --pie {path} --explain`"),
        );
    }
    let cost = pie
        .cost
        .map_or_else(String::new, |cost| format!("\n{}", cost.text()));
    terminal::print(format_args!("{table}{cost}"))?;
    failed
}

/// All of a PIE but the cost.
fn pie_table(pie: &Pie<'_>) -> Table {
    let inspection = &pie.inspection;
    let mut table = Table::default();
    table.row(
        "file",
        format!("a Cairo PIE, {}", table::bytes(pie.file_bytes as u64)),
    );
    table.row("program", format!("{} words", inspection.program_words));
    foreign_row(&mut table, &inspection.foreign_instructions);
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
    table
}

/// The number of foreign instructions that are shown; there can be thousands.
const SHOWN: usize = 3;

/// Warns of what looks like instructions that no layout of Stone has.
pub fn foreign_row(table: &mut Table, found: &[ForeignInstruction]) {
    if found.is_empty() {
        return;
    }
    let shown = found.iter().take(SHOWN);
    let mut places: Vec<_> = shown
        .map(|found| format!("{} at word {}", found.opcode, found.offset))
        .collect();
    if found.len() > SHOWN {
        places.push(format!("{} more", found.len() - SHOWN));
    }
    let row = format!(
        "it has what looks like instructions that no layout of Stone has: {}. A run that executes one has no Stone proof",
        places.join(", ")
    );
    table.row("warning", row);
}
