//! What the public memory of a statement shows about the run of its program.
//!
//! The constraints bind an execution only to its first and last `pc` and `ap` and to the public memory. Stone proves
//! any run that satisfies them and leaves further checks to its caller. So a run of any form can have a valid proof,
//! and the form determines what the proof shows. The proof shows that the program computed the output only for a whole
//! run: one from the program's entry to its end, on the segments that `main` received and returned.

mod bootloaders;
mod cairo1;
mod mode;
mod slots;
mod tasks;
pub(super) mod whole;

pub(crate) use bootloaders::Bootloader;
pub use mode::RunMode;
pub use slots::{CANONICAL_BUILTINS, SeenBuiltin, Slots};
pub use tasks::{Bootloaded, Task, TaskHash};

use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput};
use quarry_kernels::Felt;
use serde::Serialize;
use std::fmt;

/// The form of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A whole run of a Cairo 0 program.
    Cairo0,
    /// A whole run of a Cairo 0 program whose output lists tasks, as a bootloader's does.
    Bootloaded,
    /// A run from the entry code that `cairo1-run` writes to its endless loop.
    Cairo1,
    /// Any other run.
    Unknown,
}

impl Form {
    /// The name in JSON and in the service's protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cairo0 => "cairo0",
            Self::Bootloaded => "bootloaded",
            Self::Cairo1 => "cairo1",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cairo0 => "a whole run of a Cairo 0 program",
            Self::Bootloaded => "a whole run of a bootloader with its tasks",
            Self::Cairo1 => "a run of a Cairo 1 program",
            Self::Unknown => "of no known form",
        })
    }
}

/// What the public memory shows of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The form of the run.
    pub form: Form,
    /// Why this is not a whole run of a Cairo 0 program; `None` if it is one.
    pub why_not_whole: Option<String>,
    /// The program's cells as verifiers hash them; `None` unless the run has a known form. For a Cairo 1 run these are,
    /// as in Integrity, all cells of the main page except the output.
    pub program: Option<Vec<Felt>>,
    /// The cells of the output segment; `None` if some of them are not public. They are `main`'s output only in a whole
    /// run.
    pub output: Option<Vec<Felt>>,
    /// The builtin pointers that `main` received and returned, if the run is whole.
    pub slots: Option<Slots>,
    /// The output parsed as a bootloader's list of tasks, if it is one.
    pub bootloaded: Option<Bootloaded>,
}

impl Run {
    /// Classifies the run of a statement. The statement's segments must be those of the layout.
    pub fn of(statement: &PublicInput, layout: &Layout) -> Self {
        let cells = PublicCells::of(statement);
        let output = match statement.memory_segments.get("output") {
            None => Some(Vec::new()),
            Some(segment) => cells.range(segment.begin_addr, segment.stop_ptr).ok(),
        };
        let whole = whole::read(statement, layout, &cells)
            .and_then(|whole| output.is_some().then_some(whole).ok_or_else(output_is_hidden));
        match whole {
            Ok(whole) => {
                let bootloaded = output
                    .as_deref()
                    .and_then(|output| Bootloaded::read(output, statement));
                Self {
                    form: bootloaded.as_ref().map_or(Form::Cairo0, |_| Form::Bootloaded),
                    why_not_whole: None,
                    program: Some(whole.program),
                    output,
                    slots: Some(whole.slots),
                    bootloaded,
                }
            }
            Err(why) => {
                let program = cairo1::read(statement, layout, &cells).filter(|_| output.is_some());
                Self {
                    form: program.as_ref().map_or(Form::Unknown, |_| Form::Cairo1),
                    why_not_whole: Some(why),
                    program,
                    output,
                    slots: None,
                    bootloaded: None,
                }
            }
        }
    }

    /// Whether the run goes from the program's entry to its end, on segments that `main` received and returned.
    pub fn is_whole(&self) -> bool {
        self.slots.is_some()
    }

    /// The modes of Integrity that accept this run, strictest first.
    pub fn modes(&self) -> Vec<RunMode> {
        let integrity = [RunMode::Strict, RunMode::Relaxed, RunMode::Cairo1];
        integrity.into_iter().filter(|mode| mode.takes(self)).collect()
    }

    /// A human-readable warning about what the proof does not show; `None` if the run is whole.
    pub fn warning(&self) -> Option<String> {
        let why = self.why_not_whole.as_ref()?;
        Some(match self.form {
            Form::Cairo1 => {
                "a Cairo 1 run: the proof shows neither which builtins main received nor that main \
                             wrote the output, because its public memory does not show them"
                    .to_owned()
            }
            _ => format!(
                "the run is {}, so the proof does not show that a program ran from its entry to its end: {why}",
                self.form
            ),
        })
    }
}

fn output_is_hidden() -> String {
    "part of its output is not in public_memory".to_owned()
}

#[cfg(test)]
mod tests;
