//! The results, printed line by line and kept as JSON.

use crate::rates::Rates;
use quarry_prover_core::progress::Phase;
use serde::Serialize;
use std::fs;
use std::io;
use std::path::Path;

/// All results.
#[derive(Serialize)]
pub struct Report {
    device: String,
    label: String,
    pub laws: Vec<Check>,
    pub cases: Vec<Check>,
    rates: Option<Rates>,
    measured: Vec<Operation>,
}

/// A check that passed or failed.
#[derive(Serialize)]
pub struct Check {
    name: String,
    holds: bool,
}

impl Check {
    /// Creates a check and prints it.
    pub fn told(name: String, holds: bool) -> Self {
        println!("{} {name}", if holds { "ok   " } else { "WRONG" });
        Self { name, holds }
    }
}

/// A timed operation.
#[derive(Serialize)]
pub struct Operation {
    name: String,
    /// Median of the runs.
    seconds: f64,
    /// Minimum time that the device's own rates allow.
    floor_seconds: Option<f64>,
    /// The time divided by its floor.
    times_floor: Option<f64>,
    /// Time to build the trace, which is not counted.
    trace_seconds: Option<f64>,
    /// Peak device memory in bytes.
    peak_bytes: Option<u64>,
    phases: Vec<TimedPhase>,
}

/// A phase of a proof.
#[derive(Serialize)]
struct TimedPhase {
    phase: &'static str,
    seconds: f64,
    floor_seconds: Option<f64>,
}

impl Operation {
    /// An operation with its time in seconds and its floor.
    pub fn new(name: String, seconds: f64, floor: Option<f64>) -> Self {
        Self {
            name,
            seconds,
            floor_seconds: floor,
            times_floor: floor.map(|floor| seconds / floor),
            trace_seconds: None,
            peak_bytes: None,
            phases: Vec::new(),
        }
    }

    /// Adds the phases of a proof: name, seconds, floor.
    pub fn with_phases(mut self, phases: &[(Phase, f64, Option<f64>)], peak_bytes: u64) -> Self {
        for &(phase, seconds, floor_seconds) in phases {
            if phase == Phase::Trace {
                self.trace_seconds = Some(seconds);
            } else {
                self.phases.push(TimedPhase {
                    phase: phase.name(),
                    seconds,
                    floor_seconds,
                });
            }
        }
        self.peak_bytes = Some(peak_bytes);
        self
    }

    fn tell(&self) {
        let floor = |floor: Option<f64>, seconds: f64| {
            floor.map_or(String::new(), |floor| {
                format!("   floor {:9.3} ms, {:5.2} x", 1e3 * floor, seconds / floor)
            })
        };
        println!(
            "{:56} {:10.3} ms{}",
            self.name,
            1e3 * self.seconds,
            floor(self.floor_seconds, self.seconds)
        );
        for phase in &self.phases {
            println!(
                "    {:52} {:10.3} ms{}",
                phase.phase,
                1e3 * phase.seconds,
                floor(phase.floor_seconds, phase.seconds)
            );
        }
        if let Some(trace) = self.trace_seconds {
            println!("    {:52} {:10.3} ms", "(trace, on the host)", 1e3 * trace);
        }
        if let Some(peak) = self.peak_bytes {
            println!("    {:52} {:10} MiB", "(device memory)", peak >> 20);
        }
    }
}

impl Report {
    /// An empty report. Prints the device and the label.
    pub fn new(device: String, label: &str) -> Self {
        println!("{device} {label}");
        Self {
            device,
            label: label.to_owned(),
            laws: Vec::new(),
            cases: Vec::new(),
            rates: None,
            measured: Vec::new(),
        }
    }

    /// Keeps the rates and prints them.
    pub fn set_rates(&mut self, rates: Option<Rates>) {
        if let Some(rates) = &rates {
            println!("{rates}");
        }
        self.rates = rates;
    }

    /// Keeps a timed operation and prints it.
    pub fn push(&mut self, operation: Operation) {
        operation.tell();
        self.measured.push(operation);
    }

    /// Whether all checks hold.
    pub fn all_right(&self) -> bool {
        self.laws.iter().chain(&self.cases).all(|check| check.holds)
    }

    /// Writes all results so far.
    pub fn save(&self, path: Option<&Path>) -> io::Result<()> {
        let Some(path) = path else {
            return Ok(());
        };
        fs::write(path, format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}
