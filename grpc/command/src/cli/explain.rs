//! `quarry prove --explain`: the layouts that a program or tasks could be proved in, and what each would cost.

use crate::cli::failure::Failure;
use crate::cli::grid::Grid;
use crate::cli::table::bytes;
use crate::cli::terminal;
use quarry_prover_core::choice::{Candidate, Choice};
use quarry_prover_core::demand::{POOLS, STEPS};
use serde::Serialize;

/// The explanation as JSON.
#[derive(Serialize)]
pub struct Report<'a> {
    /// The layout that `--layout auto` would choose.
    layout: &'a str,
    /// All layouts, the cheapest first.
    candidates: &'a [Candidate],
}

impl<'a> Report<'a> {
    /// The explanation of a choice.
    pub fn of(choice: &'a Choice) -> Self {
        Self {
            layout: &choice.input.public.layout,
            candidates: &choice.candidates,
        }
    }

    /// The explanation for people.
    pub fn text(&self) -> String {
        let best = self.candidates.first();
        let hash = best.and_then(|best| best.program_hash_function);
        let hash = hash.map_or_else(String::new, |hash| {
            format!(
                ", with the tasks' programs hashed by {hash} (each layout's hash function is in brackets)"
            )
        });
        let cost = best.and_then(|best| best.cost.as_ref());
        let why = cost.map_or_else(String::new, |cost| {
            why(cost.run_steps, cost.n_steps, cost.decided_by)
        });
        let layout = self.layout;
        format!(
            "{}\n{LEGEND}{why}the cheapest usable layout is {layout}{hash}\n",
            table(self.candidates)
        )
    }
}

/// What the columns of the table mean.
const LEGEND: &str = "\
memory: of the proof on the CPU, as `--plan` shows it
decided by: what makes the trace that long: the steps of the run, a builtin, or the pools (units that each trace has)
Integrity mode: the strictest one for a run of this form; `quarry calldata` says which layouts Integrity takes

";

/// A line on the steps of a run and of its trace, and what decides the latter: [`STEPS`], [`POOLS`] or a builtin.
pub fn why(run_steps: u64, n_steps: u64, decided_by: &str) -> String {
    let decides = match decided_by {
        STEPS => "the run itself".to_owned(),
        POOLS => "the units for memory, range checks and diluted values".to_owned(),
        builtin => format!("the instances of '{builtin}'"),
    };
    format!("the run has {run_steps} steps, the trace {n_steps}, because of {decides}\n")
}

/// Prints the explanation.
pub fn run(choice: &Choice, json: bool) -> Result<(), Failure> {
    let report = Report::of(choice);
    if json {
        return terminal::print_json(&report);
    }
    terminal::print(report.text())
}

fn table(candidates: &[Candidate]) -> Grid<8> {
    let mut grid = Grid::new([
        "layout",
        "steps",
        "decided by",
        "columns",
        "memory",
        "multiplications",
        "Integrity mode",
        "profiles that allow it",
    ]);
    for candidate in candidates {
        match &candidate.cost {
            Some(cost) => grid.row([
                match candidate.program_hash_function {
                    Some(hash) => format!("{} ({hash})", candidate.layout),
                    None => candidate.layout.to_owned(),
                },
                cost.n_steps.to_string(),
                cost.decided_by.to_owned(),
                cost.n_columns.map(|n| n.to_string()).join(" + "),
                bytes(cost.memory_bytes),
                format!("{:.2e}", cost.multiplications),
                cost.run_mode.unwrap_or("none").to_owned(),
                candidate.profiles.join(", "),
            ]),
            None => {
                let why = candidate.refused.as_deref().unwrap_or_default();
                grid.note(candidate.layout, format!("refused: {why}"));
            }
        }
    }
    grid
}
