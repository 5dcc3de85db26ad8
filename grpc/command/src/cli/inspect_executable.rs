//! `quarry inspect` of a Scarb executable.

use crate::cli::failure::Failure;
use crate::cli::inspect;
use crate::cli::table::{self, Table};
use crate::cli::terminal;
use quarry_kernels::felt;
use quarry_prover_core::inspect::{ExecutableInspection, inspect_executable};
use quarry_tasks::executable;
use serde::Serialize;

/// The explanation of an executable as JSON.
#[derive(Serialize)]
struct Executable {
    file_bytes: usize,
    #[serde(flatten)]
    inspection: ExecutableInspection,
}

/// Explains an executable.
pub fn show(executable: &executable::Executable, file_bytes: usize, json: bool) -> Result<(), Failure> {
    let inspection = inspect_executable(executable);
    if json {
        return terminal::print_json(&Executable {
            file_bytes,
            inspection,
        });
    }
    let mut table = Table::default();
    table.row(
        "file",
        format!("a Scarb executable, {}", table::bytes(file_bytes as u64)),
    );
    table.row(
        "program",
        format!("{} words, {} hints", inspection.program_words, inspection.hints),
    );
    inspect::foreign_row(&mut table, &inspection.foreign_instructions);
    for entry_point in &inspection.entry_points {
        let builtins = match entry_point.builtins.is_empty() {
            true => "none".to_owned(),
            false => entry_point.builtins.join(", "),
        };
        let (kind, offset) = (entry_point.kind, entry_point.offset);
        table.row(
            "entry point",
            format!("{kind}, at word {offset}; builtins: {builtins}"),
        );
    }
    if let Some(hash) = inspection.program_hash {
        let in_output = "in the bootloader's output";
        let [pedersen, poseidon] = [hash.pedersen, hash.poseidon].map(|hash| felt::to_hex(&hash));
        table.row("program hash", format!("{pedersen} (Pedersen, {in_output})"));
        table.row("", format!("{poseidon} (Poseidon, {in_output})"));
    }
    table.row(
        "cost",
        "`quarry prove --executable FILE --args .. --explain` shows it: it depends on the arguments",
    );
    terminal::print(table)
}
