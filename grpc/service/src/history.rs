//! Load history of the last hour and the last day, in two ring buffers of bounded size.

use quarry_client::protocol::JobState;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Length of one tick.
pub const TICK: Duration = Duration::from_secs(10);
/// One hour at 10 seconds, one day at 5 minutes.
const SERIES: [Resolution; 2] = [
    Resolution {
        ticks_per_sample: 1,
        max_samples: 360,
    },
    Resolution {
        ticks_per_sample: 30,
        max_samples: 288,
    },
];
/// Proof times kept per sample.
const MAX_PROOFS: usize = 4096;

/// The span of a history request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// The last hour.
    #[default]
    Hour,
    /// The last day.
    Day,
}

/// The content of `/history.json`: one list per quantity, oldest sample first. The last sample is still being
/// collected.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Columns {
    /// Seconds per sample.
    pub every_seconds: u64,
    /// Maximum number of complete samples.
    pub most: usize,
    /// Peak number of waiting jobs.
    pub waiting: Vec<usize>,
    /// Peak number of jobs on devices or in verification.
    pub proving: Vec<usize>,
    /// Jobs that succeeded.
    pub succeeded: Vec<u32>,
    /// Jobs rejected because this appliance cannot prove their input.
    pub rejected: Vec<u32>,
    /// Jobs that failed.
    pub failed: Vec<u32>,
    /// Jobs that were cancelled or missed their deadline.
    pub stopped: Vec<u32>,
    /// Median device seconds per proof; `None` if the sample has no proof.
    pub p50: Vec<Option<f64>>,
    /// 95th percentile of the device seconds per proof.
    pub p95: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Default)]
struct Sample {
    waiting: usize,
    proving: usize,
    succeeded: u32,
    rejected: u32,
    failed: u32,
    stopped: u32,
    p50: Option<f64>,
    p95: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Resolution {
    ticks_per_sample: u32,
    /// Complete samples that are kept.
    max_samples: usize,
}

#[derive(Debug)]
struct Series {
    resolution: Resolution,
    samples: VecDeque<Sample>,
    current: Sample,
    ticks: u32,
    proofs: Vec<f64>,
}

impl Series {
    fn new(resolution: Resolution) -> Self {
        Self {
            resolution,
            samples: VecDeque::new(),
            current: Sample::default(),
            ticks: 0,
            proofs: Vec::new(),
        }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.proofs.len().checked_sub(1)?;
        self.proofs.get((share * last as f64).ceil() as usize).copied()
    }

    /// The current sample with the quantiles so far.
    fn current(&self) -> Sample {
        Sample {
            p50: self.quantile(0.5),
            p95: self.quantile(0.95),
            ..self.current.clone()
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks < self.resolution.ticks_per_sample {
            return;
        }
        let sample = self.current();
        if self.samples.len() >= self.resolution.max_samples {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.current = Sample::default();
        self.ticks = 0;
        self.proofs.clear();
    }
}

/// Load history of the service.
#[derive(Debug)]
pub struct History(Mutex<[Series; 2]>);

impl Default for History {
    fn default() -> Self {
        Self(Mutex::new(SERIES.map(Series::new)))
    }
}

impl History {
    /// Counts a job that has ended.
    pub fn ended(&self, state: JobState) {
        for series in &mut *self.series() {
            let count = match state {
                JobState::Succeeded => &mut series.current.succeeded,
                JobState::Rejected => &mut series.current.rejected,
                JobState::Failed => &mut series.current.failed,
                _ => &mut series.current.stopped,
            };
            *count += 1;
        }
    }

    /// Records the device seconds of a proof.
    pub fn proved(&self, seconds: f64) {
        for series in &mut *self.series() {
            if series.proofs.len() < MAX_PROOFS {
                let at = series.proofs.partition_point(|other| *other < seconds);
                series.proofs.insert(at, seconds);
            }
        }
    }

    /// Records the numbers of waiting and of proving jobs.
    pub fn observe(&self, waiting: usize, proving: usize) {
        for Series { current, .. } in &mut *self.series() {
            current.waiting = current.waiting.max(waiting);
            current.proving = current.proving.max(proving);
        }
    }

    /// Advances time by one [`TICK`].
    pub fn tick(&self) {
        self.series().iter_mut().for_each(Series::tick);
    }

    /// The samples of a span, including the current one.
    pub fn columns(&self, span: Span) -> Columns {
        let all = self.series();
        let [hour, day] = &*all;
        let series = match span {
            Span::Hour => hour,
            Span::Day => day,
        };
        let mut columns = Columns {
            every_seconds: TICK.as_secs() * u64::from(series.resolution.ticks_per_sample),
            most: series.resolution.max_samples,
            ..Columns::default()
        };
        for sample in series.samples.iter().chain([&series.current()]) {
            columns.waiting.push(sample.waiting);
            columns.proving.push(sample.proving);
            columns.succeeded.push(sample.succeeded);
            columns.rejected.push(sample.rejected);
            columns.failed.push(sample.failed);
            columns.stopped.push(sample.stopped);
            columns.p50.push(sample.p50);
            columns.p95.push(sample.p95);
        }
        columns
    }

    fn series(&self) -> MutexGuard<'_, [Series; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_what_was_and_do_not_grow() {
        let history = History::default();
        history.observe(5, 1);
        history.observe(3, 2);
        for seconds in [4.0, 1.0, 2.0] {
            history.proved(seconds);
            history.ended(JobState::Succeeded);
        }
        history.ended(JobState::Expired);
        let now = history.columns(Span::Hour);
        assert_eq!(
            (now.every_seconds, &*now.waiting, &*now.proving),
            (10, &[5][..], &[2][..])
        );
        assert_eq!((&*now.succeeded, &*now.stopped), (&[3][..], &[1][..]));
        assert_eq!((&*now.p50, &*now.p95), (&[Some(2.0)][..], &[Some(4.0)][..]));
        history.tick();
        let then = history.columns(Span::Hour);
        assert_eq!(
            (&*then.succeeded, &*then.p50),
            (&[3, 0][..], &[Some(2.0), None][..])
        );
        assert_eq!(history.columns(Span::Day).succeeded, [3]);
        for _ in 0..30 * 400 {
            history.tick();
        }
        for _ in 0..2 * MAX_PROOFS {
            history.proved(1.0);
        }
        assert_eq!(history.columns(Span::Hour).waiting.len(), 361);
        let day = history.columns(Span::Day);
        assert_eq!((day.every_seconds, day.waiting.len()), (300, 289));
        assert!(
            history
                .series()
                .iter()
                .all(|series| series.proofs.len() <= MAX_PROOFS)
        );
    }
}
