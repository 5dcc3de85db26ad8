//! Waiting for the end of a job: a bar for people, a line for each state and phase otherwise.

use crate::cli::job_text;
use crate::cli::progress::{bar, draw, seconds_left};
use crate::cli::terminal;
use indicatif::ProgressBar;
use quarry_client::protocol::{JobEvent, JobState};
use std::io::{self, IsTerminal};
use std::time::SystemTime;

/// Shows the events of a job on standard error until it is dropped.
pub struct Waiting {
    /// `None` unless standard error is a terminal.
    bar: Option<ProgressBar>,
    /// When a device began to prove the job.
    proving: Option<SystemTime>,
}

impl Waiting {
    /// Begins to show a job's events.
    pub fn begin(id: &str) -> Self {
        terminal::tell(format_args!("job {id}\n"));
        Self {
            bar: io::stderr().is_terminal().then(bar),
            proving: None,
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &JobEvent) {
        let state = event.state().name();
        let text = match &*event.stage {
            "" => state,
            stage => format!("{state}: {stage}"),
        };
        let text = match job_text::leg(event.leg) {
            Some(leg) => format!("proof {leg}, {text}"),
            None => text,
        };
        let seconds_left = self.seconds_left(event);
        match &self.bar {
            Some(bar) => draw(bar, &text, event.progress, seconds_left),
            None => terminal::tell(format_args!("{text}\n")),
        }
    }

    /// The time that the proof still takes, by the times of its events.
    fn seconds_left(&mut self, event: &JobEvent) -> Option<f64> {
        let at = event.at.and_then(|at| SystemTime::try_from(at).ok())?;
        if event.state() != JobState::Running {
            self.proving = None;
            return None;
        }
        let begin = *self.proving.get_or_insert(at);
        seconds_left(at.duration_since(begin).ok()?.as_secs_f64(), event.progress)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
