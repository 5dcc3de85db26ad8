//! Progress of a proof: a bar for people, JSON lines for programs, and the time that each phase took.

use crate::cli::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use quarry_prover_core::progress::{Observer, Phase};
use serde::Serialize;
use serde_json::json;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Number of positions of the bar.
const RESOLUTION: u64 = 1000;
/// How often the bar's clock is redrawn.
const TICK: Duration = Duration::from_millis(200);

/// How progress is shown, always on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Style {
    /// A bar if standard error is a terminal, else nothing.
    #[default]
    Auto,
    /// JSON lines, without the closing summary (--json prints it).
    Json,
    /// Nothing.
    None,
}

/// The time that a phase took.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseTime {
    /// The phase's name.
    pub phase: &'static str,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// One line of `--progress json`.
#[derive(Serialize)]
struct Line {
    phase: &'static str,
    /// Fraction of the work that is done, from 0 to 1.
    fraction: f64,
    elapsed_seconds: f64,
    /// `null` while too little is done for an estimate.
    seconds_left: Option<f64>,
}

/// Shows progress and records the time of each phase.
pub struct Reporter {
    show: Show,
    start: Instant,
    state: Mutex<State>,
}

enum Show {
    Bar(ProgressBar),
    Json,
    Nothing,
}

struct State {
    phases: Vec<(&'static str, Instant)>,
    fraction: f64,
}

impl Reporter {
    /// Begins to show progress.
    pub fn new(style: Style) -> Self {
        let show = match style {
            Style::Auto if io::stderr().is_terminal() => Show::Bar(bar()),
            Style::Auto | Style::None => Show::Nothing,
            Style::Json => Show::Json,
        };
        let state = State {
            phases: Vec::new(),
            fraction: 0.0,
        };
        Self {
            show,
            start: Instant::now(),
            state: Mutex::new(state),
        }
    }

    /// Begins a step that precedes the prover's own phases.
    pub fn prepare(&self, step: &'static str) {
        self.show(step, 0.0);
    }

    /// Begins a part of such a step, when this fraction of it is done.
    pub fn prepare_part(&self, part: &'static str, fraction: f64) {
        self.show(part, fraction);
    }

    /// Prints warnings.
    pub fn warn(&self, warnings: &[String]) {
        warnings.iter().for_each(|warning| self.tell("warning", warning));
    }

    /// Prints a note, such as the chosen device.
    pub fn note(&self, note: &str) {
        self.tell("note", note);
    }

    fn tell(&self, kind: &str, text: &str) {
        match &self.show {
            Show::Bar(bar) => bar.suspend(|| terminal::tell(format_args!("{kind}: {text}\n"))),
            Show::Json => terminal::tell(format_args!("{}\n", json!({ kind: text }))),
            Show::Nothing => terminal::tell(format_args!("{kind}: {text}\n")),
        }
    }

    /// Ends the display and returns the time of each phase.
    pub fn finish(&self) -> Vec<PhaseTime> {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
        let now = Instant::now();
        let state = self.state();
        let ends = state.phases.iter().skip(1).map(|(_, end)| *end).chain([now]);
        let timed = state.phases.iter().zip(ends);
        timed
            .map(|(&(phase, begin), end)| PhaseTime {
                phase,
                seconds: (end - begin).as_secs_f64(),
            })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, phase: &'static str, fraction: f64) {
        let mut state = self.state();
        let is_new = state.phases.last().is_none_or(|(last, _)| *last != phase);
        if is_new {
            state.phases.push((phase, Instant::now()));
        }
        state.fraction = fraction;
        let elapsed = self.start.elapsed().as_secs_f64();
        let seconds_left = seconds_left(elapsed, fraction);
        match &self.show {
            Show::Bar(bar) => draw(bar, phase, fraction, seconds_left),
            Show::Json => {
                let line = Line {
                    phase,
                    fraction,
                    elapsed_seconds: elapsed,
                    seconds_left,
                };
                // Serialising numbers and names cannot fail.
                let _ = serde_json::to_string(&line).map(|line| terminal::tell(format_args!("{line}\n")));
            }
            Show::Nothing => {}
        }
    }
}

impl Observer for Reporter {
    fn begin(&self, phase: Phase, fraction: f64) {
        self.show(phase.name(), fraction);
    }

    fn advance(&self, fraction: f64) {
        let phase = self.state().phases.last().map(|(phase, _)| *phase);
        if let Some(phase) = phase {
            self.show(phase, fraction);
        }
    }
}

/// A bar on standard error.
pub fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(RESOLUTION), ProgressDrawTarget::stderr());
    let template = "{elapsed:>4} [{bar:32}] {percent:>3}% {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// Moves a bar.
pub fn draw(bar: &ProgressBar, phase: &str, fraction: f64, seconds_left: Option<f64>) {
    let left = seconds_left.map_or(String::new(), |left| format!(", {} left", clock(left)));
    bar.set_message(format!("{phase}{left}"));
    bar.set_position((fraction * RESOLUTION as f64) as u64);
}

/// Estimates the seconds left from the fraction of the work that is done; `None` while too little is done.
pub fn seconds_left(elapsed: f64, fraction: f64) -> Option<f64> {
    (fraction > 0.01).then(|| elapsed * (1.0 - fraction).max(0.0) / fraction)
}

/// Formats seconds, such as `2 min 05 s`.
pub fn clock(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s => format!("{} min {:02.0} s", (s / 60.0) as u64, (s % 60.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_timed_in_order() {
        let reporter = Reporter::new(Style::None);
        reporter.prepare("inputs");
        reporter.begin(Phase::Trace, 0.0);
        std::thread::sleep(Duration::from_millis(20));
        reporter.advance(0.1);
        reporter.begin(Phase::CommitTrace, 0.2);
        let times = reporter.finish();
        let names: Vec<_> = times.iter().map(|time| time.phase).collect();
        assert_eq!(names, ["inputs", "trace", "commit trace"]);
        assert!(times[1].seconds >= 0.02, "{times:?}");
    }

    #[test]
    fn time_left_follows_the_share_done() {
        assert_eq!(seconds_left(10.0, 0.0), None);
        assert_eq!(seconds_left(10.0, 0.25), Some(30.0));
        assert_eq!(seconds_left(10.0, 1.0), Some(0.0));
    }

    #[test]
    fn clocks() {
        assert_eq!(clock(0.04), "0.0 s");
        assert_eq!(clock(12.3), "12 s");
        assert_eq!(clock(125.0), "2 min 05 s");
    }
}
