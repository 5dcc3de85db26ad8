//! `quarry prove --plan`: the memory that a proof would take, phase by phase.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::grid::Grid;
use crate::cli::table::{Table, bytes};
use crate::cli::terminal;
use bytesize::ByteSize;
use quarry_kernels::Device;
use quarry_prover_core::memory_plan::MemoryPlan;
use quarry_prover_core::prover::plan;
use quarry_prover_core::statement::Statement;
use serde::Serialize;

/// The plan as JSON.
#[derive(Serialize)]
struct Report<'a> {
    /// Name of the device.
    device: String,
    /// Memory budget in bytes; `None` if the plan takes as little as it can.
    budget: Option<u64>,
    /// The proof's layout.
    layout: &'a str,
    /// Number of steps.
    n_steps: u64,
    /// Rows of the trace.
    trace_rows: u64,
    #[serde(flatten)]
    plan: MemoryPlan,
}

/// Prints the plan of a proof.
pub fn run<D: Device>(
    device: &D,
    budget: Option<u64>,
    statement: &Statement<'_>,
    json: bool,
) -> Result<(), Failure> {
    let plan = plan(device, budget, statement).or_bad_input()?;
    let public = statement.public_input();
    let report = Report {
        device: device.name(),
        budget: budget.or(device.free_bytes()),
        layout: &public.layout,
        n_steps: public.n_steps,
        trace_rows: statement.n_rows() as u64,
        plan,
    };
    if json {
        return terminal::print_json(&report);
    }
    terminal::print(report.text())
}

impl Report<'_> {
    fn text(&self) -> String {
        let plan = &self.plan;
        let mut table = Table::default();
        table.row("layout", self.layout);
        table.row("steps", self.n_steps);
        table.row("trace rows", self.trace_rows);
        table.row("device", &self.device);
        table.row(
            "budget",
            self.budget
                .map_or("none: as little as possible".to_owned(), bytes),
        );
        table.row("peak on the device", bytes(plan.peak_bytes));
        table.row("device tables, extra", bytes(plan.margin_bytes));
        table.row("trace on the host", bytes(plan.host_bytes));
        table.row(
            "cosets",
            match plan.n_kept_cosets {
                0 => "every coset of the extended trace is evaluated again when needed".to_owned(),
                n => format!("the first {n} of the extended trace are kept"),
            },
        );
        let mut grid = Grid::new(["phase", "peak", "largest parts"]);
        for phase in &plan.phases {
            let largest = phase.by_tag.iter().filter(|(_, held)| *held > 0).take(3);
            let largest: Vec<_> = largest
                .map(|(tag, held)| format!("{} {}", tag.0, bytes(*held)))
                .collect();
            grid.row([
                phase.phase.name().to_owned(),
                bytes(phase.peak_bytes),
                largest.join(", "),
            ]);
        }
        format!("{table}\n{grid}")
    }
}

/// Parses a size with a unit, such as `15GiB`, into bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    text.parse().map(|size: ByteSize| size.as_u64())
}
