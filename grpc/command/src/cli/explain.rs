//! `quarry prove --explain`: the layouts that a program or tasks could be proved in, and what each would cost.

use crate::cli::failure::Failure;
use crate::cli::grid::Grid;
use crate::cli::terminal;
use quarry_prover_core::choice::{Candidate, Choice};
use serde::Serialize;

/// The explanation as JSON.
#[derive(Serialize)]
struct Report<'a> {
    /// The layout that `--layout auto` would choose.
    layout: &'a str,
    /// All layouts, the cheapest first.
    candidates: &'a [Candidate],
}

/// Prints the explanation.
pub fn run(choice: &Choice, json: bool) -> Result<(), Failure> {
    let layout = &choice.input.public.layout;
    let candidates = &choice.candidates;
    if json {
        return terminal::print_json(&Report { layout, candidates });
    }
    let hash = candidates.first().and_then(|best| best.program_hash_function);
    let hash = hash.map_or_else(String::new, |hash| {
        format!(", with the tasks' programs hashed by {hash} (each layout's hash function is in brackets)")
    });
    terminal::print(format_args!(
        "{}\nthe cheapest usable layout is {layout}{hash}\n",
        table(candidates)
    ))
}

fn table(candidates: &[Candidate]) -> Grid<5> {
    let mut grid = Grid::new([
        "layout",
        "steps",
        "columns",
        "multiplications",
        "profiles that allow it",
    ]);
    for candidate in candidates {
        let profiles = candidate.profiles.join(", ");
        match &candidate.cost {
            Some(cost) => grid.row([
                match candidate.program_hash_function {
                    Some(hash) => format!("{} ({hash})", candidate.layout),
                    None => candidate.layout.to_owned(),
                },
                cost.n_steps.to_string(),
                cost.n_columns.map(|n| n.to_string()).join(" + "),
                format!("{:.2e}", cost.multiplications),
                profiles,
            ]),
            None => {
                let why = candidate.refused.as_deref().unwrap_or_default();
                grid.note(candidate.layout, format!("refused: {why}"));
            }
        }
    }
    grid
}
