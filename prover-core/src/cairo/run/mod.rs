//! How a statement's program was run, as far as its public memory shows it.
//!
//! The constraints tie an execution to its first and last `pc` and `ap` and to the public memory, and to nothing else:
//! Stone proves any run that satisfies them, and leaves to its caller what the run is worth. So a statement of any form
//! has a proof, and the form says what the proof shows. Only of a whole run (from the program's entry to its end, on the
//! segments that `main` got and gave back) does it show that the program computed the output.

mod bootloaders;
mod cairo1;
mod mode;
mod slots;
mod tasks;
mod whole;

pub(crate) use bootloaders::name as bootloader_name;
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
    /// A run from the entry that `cairo1-run` writes, to its endless loop.
    Cairo1,
    /// None of these.
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
    /// Its form.
    pub form: Form,
    /// Why it is no whole run of a Cairo 0 program, if it is none.
    pub why_not_whole: Option<String>,
    /// The program's cells as verifiers hash them; none where they are not all public. Of a Cairo 1 run they are, as
    /// in Integrity, all cells of the main page but the output.
    pub program: Option<Vec<Felt>>,
    /// The cells of the output segment, which are `main`'s output in a whole run only; none where they are not all public.
    pub output: Option<Vec<Felt>>,
    /// What `main` got and gave back, where the run is whole.
    pub slots: Option<Slots>,
    /// The output read as a bootloader's.
    pub bootloaded: Option<Bootloaded>,
}

impl Run {
    /// Looks at a statement, whose segments are those of the layout.
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

    /// Whether the run is from the program's entry to its end, on segments that `main` got and gave back.
    pub fn is_whole(&self) -> bool {
        self.slots.is_some()
    }

    /// The modes of Integrity that take such a run, the strictest first.
    pub fn modes(&self) -> Vec<RunMode> {
        let integrity = [RunMode::Strict, RunMode::Relaxed, RunMode::Cairo1];
        integrity.into_iter().filter(|mode| mode.takes(self)).collect()
    }

    /// What the proof does not show, in words for people; none where the run is whole.
    pub fn warning(&self) -> Option<String> {
        let why = self.why_not_whole.as_ref()?;
        Some(match self.form {
            Form::Cairo1 => "a Cairo 1 run: its public memory does not show which builtins main got, nor that main wrote the \
                             output; the proof shows neither"
                .to_owned(),
            _ => format!(
                "the run is {}, so the proof does not show that a program ran from its entry to its end: {why}",
                self.form
            ),
        })
    }
}

fn output_is_hidden() -> String {
    "its output is not all in public_memory".to_owned()
}

#[cfg(test)]
mod tests;
