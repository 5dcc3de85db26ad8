//! The closing summary of `prove`: what the proof states, and the time and memory that it took.

use crate::cli::progress::{PhaseTime, clock};
use crate::cli::statement;
use crate::cli::table::{Table, bytes};
use quarry_prover_core::claim::Verified;
use quarry_prover_core::prover::{PhaseStatistics, Statistics};
use serde::Serialize;
use std::path::PathBuf;

/// The summary, printed as a table or as JSON.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What was proved.
    #[serde(flatten)]
    pub statement: Verified,
    /// The profile that the parameters come from.
    pub profile: Option<&'static str>,
    /// Whether the proof was verified before it was written.
    pub verified: bool,
    /// The proof file.
    pub proof_file: PathBuf,
    /// Length of the proof in bytes (the decoded `proof_hex`).
    pub proof_bytes: usize,
    /// Name of the device that made the proof.
    pub device: String,
    /// Rows of the trace.
    pub trace_rows: usize,
    /// Columns of the first, the interaction and the composition trace.
    pub trace_columns: [usize; 3],
    /// Wall-clock time of every phase.
    pub phases: Vec<PhaseTime>,
    /// Peak resident memory of the process, in bytes.
    pub peak_resident_bytes: Option<u64>,
    /// Peak device memory of every phase.
    pub device_memory: Vec<PhaseMemory>,
}

/// Peak device memory of a phase, in bytes.
#[derive(Debug, Serialize)]
pub struct PhaseMemory {
    phase: &'static str,
    peak_bytes: u64,
    /// Bytes by purpose, largest first.
    by_tag: Vec<(&'static str, u64)>,
}

impl PhaseMemory {
    /// The memory of every phase.
    pub fn of(statistics: &Statistics) -> Vec<Self> {
        let phase = |phase: &PhaseStatistics| Self {
            phase: phase.phase.name(),
            peak_bytes: phase.peak_bytes,
            by_tag: phase
                .peak_by_tag
                .iter()
                .map(|&(tag, bytes)| (tag.0, bytes))
                .collect(),
        };
        statistics.phases.iter().map(phase).collect()
    }
}

impl Summary {
    /// The summary as a table.
    pub fn table(&self) -> Table {
        let mut table = Table::default();
        statement::rows(&mut table, &self.statement);
        let [first, interaction, composition] = self.trace_columns;
        let rows = self.trace_rows;
        table.row(
            "trace",
            format!("{rows} rows x ({first} + {interaction} + {composition}) columns"),
        );
        table.row_if("profile", self.profile);
        table.row("device", &self.device);
        for phase in &self.phases {
            let held = self
                .device_memory
                .iter()
                .find(|memory| memory.phase == phase.phase);
            let held = held.filter(|memory| memory.peak_bytes > 0).map(|memory| {
                let largest = memory
                    .by_tag
                    .first()
                    .map_or(String::new(), |(tag, _)| format!(", most of it {tag}"));
                format!("  (device memory {}{largest})", bytes(memory.peak_bytes))
            });
            table.row(
                format!("  {}", phase.phase),
                format!("{:>6}{}", clock(phase.seconds), held.unwrap_or_default()),
            );
        }
        table.row("time", clock(self.phases.iter().map(|phase| phase.seconds).sum()));
        table.row_if("peak memory", self.peak_resident_bytes.map(bytes));
        let checked = if self.verified { "verified" } else { "not verified" };
        let size = bytes(self.proof_bytes as u64);
        table.row(
            "proof",
            format!("{size}, {checked}, in {}", self.proof_file.display()),
        );
        table
    }
}
