//! The pace of recent proofs: device seconds for their work in field multiplications, by device.

use crate::store::{JobStore, Listing, StoreError, newest};
use quarry_client::protocol::{JobState, PhaseTime};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Number of recent proofs kept.
const SAMPLES: usize = 64;
/// Number of those used for an estimate: the ones whose work is closest. Small and large proofs have different paces.
const NEAREST: usize = 16;
/// How much more work than a measured proof a job may have for its estimate to count against it. Small proofs are slow
/// for their work, so from them alone the estimate of a large one is far too long, and would never be put right.
const MAX_STRETCH: f64 = 64.0;
/// Longest assumed time of a job, in seconds, so that sums of times do not overflow.
const MAX_SECONDS: u64 = u32::MAX as u64;

/// Maximum number of times that are remembered.
const MAX_TIMES: usize = 4096;

/// Pace of recent proofs.
#[derive(Debug, Default)]
pub(super) struct Pace {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    samples: VecDeque<Sample>,
    /// What was asked since the latest proof: the scheduler asks the same of each waiting job, again and again.
    times: HashMap<Asked, Option<Duration>>,
}

/// A time that was asked for, by the bits of its numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Asked {
    Time { work: Option<u64>, share: u64 },
    Usual { work: u64 },
}

/// A recent proof.
#[derive(Clone, Debug)]
struct Sample {
    /// Description of the device that made it.
    device: String,
    /// Work in field multiplications.
    work: f64,
    /// Device time.
    seconds: f64,
}

impl Pace {
    /// The pace of the proofs in a store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn recall(store: &dyn JobStore) -> Result<Self, StoreError> {
        let listing = Listing {
            states: vec![JobState::Succeeded],
            page_size: SAMPLES,
            ..Listing::default()
        };
        let pace = Self::default();
        let mut results = Vec::new();
        newest(store, listing, |job| results.extend(job.result))?;
        for result in results.into_iter().rev() {
            let work = result
                .statement
                .map_or(0.0, |statement| statement.multiplications);
            pace.add(&result.device, work, &result.phases);
        }
        Ok(pace)
    }

    /// Adds a proof that a device with this description made.
    pub(super) fn add(&self, device: &str, work: f64, phases: &[PhaseTime]) {
        let time = |phase: &PhaseTime| phase.time.and_then(|time| Duration::try_from(time).ok());
        let time: Duration = phases.iter().filter_map(time).sum();
        self.add_seconds(device, work, time.as_secs_f64());
    }

    fn add_seconds(&self, device: &str, work: f64, seconds: f64) {
        if work > 0.0 && seconds > 0.0 {
            let mut known = self.known();
            known.times.clear();
            known.samples.push_back(Sample {
                device: device.to_owned(),
                work,
                seconds,
            });
            if known.samples.len() > SAMPLES {
                known.samples.pop_front();
            }
        }
    }

    /// Device time that a `share` of proofs of this work do not exceed; unknown work counts as the mean. `None` before
    /// the first proof.
    pub(super) fn time(&self, work: Option<f64>, share: f64) -> Option<Duration> {
        let asked = Asked::Time {
            work: work.map(f64::to_bits),
            share: share.to_bits(),
        };
        self.recalled(asked, |samples| time_of(paces(samples, |_| true), work, share))
    }

    /// [`Pace::time`] on the device with this description: another may be far faster or slower.
    pub(super) fn time_on(&self, device: &str, work: Option<f64>, share: f64) -> Option<Duration> {
        let own = paces(&self.known().samples, |sample| sample.device == device);
        time_of(own, work, share)
    }

    /// Usual time of this work, if it is longer than `most` seconds. If all proofs were much smaller, the least time
    /// that is conceivable after them.
    pub(super) fn excess(&self, work: f64, most: u64) -> Option<Duration> {
        let asked = Asked::Usual { work: work.to_bits() };
        let usual = self.recalled(asked, |samples| {
            let like = paces(samples, |sample| sample.work * MAX_STRETCH >= work);
            let conceivable = || time_by(paces(samples, |_| true), work / MAX_STRETCH, 0.0);
            time_by(like, work, 0.5).or_else(conceivable)
        });
        usual.filter(|usual| *usual > Duration::from_secs(most))
    }

    /// A time that is computed once for all proofs so far.
    fn recalled(
        &self,
        asked: Asked,
        find: impl FnOnce(&VecDeque<Sample>) -> Option<Duration>,
    ) -> Option<Duration> {
        let Known { samples, times } = &mut *self.known();
        if times.len() >= MAX_TIMES {
            times.clear();
        }
        *times.entry(asked).or_insert_with(|| find(samples))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work and device seconds of the proofs that count.
fn paces(samples: &VecDeque<Sample>, counts: impl Fn(&Sample) -> bool) -> Vec<(f64, f64)> {
    let count = samples.iter().filter(|sample| counts(sample));
    count.map(|sample| (sample.work, sample.seconds)).collect()
}

fn time_of(samples: Vec<(f64, f64)>, work: Option<f64>, share: f64) -> Option<Duration> {
    let work = work.unwrap_or_else(|| mean_work(&samples));
    time_by(samples, work, share)
}

/// Longest time of a job that is stopped after `most` seconds.
pub(super) fn stopped_after(most: u64) -> Duration {
    Duration::from_secs(most.min(MAX_SECONDS))
}

/// Device time that a `share` of the proofs most like this work do not exceed; `None` without proofs.
fn time_by(mut samples: Vec<(f64, f64)>, work: f64, share: f64) -> Option<Duration> {
    let work = work.max(1.0);
    let unlike = |sample: &(f64, f64)| (sample.0 / work).ln().abs();
    samples.sort_by(|a, b| unlike(a).total_cmp(&unlike(b)));
    samples.truncate(NEAREST);
    let mut paces: Vec<f64> = samples.iter().map(|(work, seconds)| seconds / work).collect();
    paces.sort_by(f64::total_cmp);
    let last = paces.len().checked_sub(1)?;
    let pace = paces.get((share * last as f64).ceil() as usize)?;
    // Work without bounds takes forever.
    Some(Duration::try_from_secs_f64(pace * work).unwrap_or(Duration::MAX))
}

/// Mean work, used for proofs whose work is unknown.
fn mean_work(samples: &[(f64, f64)]) -> f64 {
    let sum: f64 = samples.iter().map(|(work, _)| work).sum();
    sum / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pace: &Pace, work: Option<f64>, share: f64) -> Option<f64> {
        pace.time(work, share).map(|time| time.as_secs_f64().round())
    }

    #[test]
    fn the_pace_is_that_of_the_latest_proofs() {
        let pace = Pace::default();
        assert_eq!(pace.time(None, 0.5), None);
        pace.add_seconds("cpu", 0.0, 1.0);
        pace.add_seconds("cpu", 1e9, 0.0);
        assert_eq!(pace.time(None, 0.5), None, "what says nothing is not counted");
        for n in 1..=100 {
            pace.add_seconds("cpu", 1e9, f64::from(n % 10 + 1));
        }
        assert_eq!(seconds(&pace, None, 0.0), Some(1.0));
        assert_eq!(seconds(&pace, Some(1e9), 1.0), Some(10.0));
        assert_eq!(seconds(&pace, Some(2e9), 1.0), Some(20.0));
        let (half, most) = (seconds(&pace, None, 0.5), seconds(&pace, None, 0.95));
        assert!(
            Some(5.0) <= half && half <= Some(6.0) && most == Some(10.0),
            "{half:?} {most:?}"
        );
        for _ in 0..SAMPLES {
            pace.add_seconds("cpu", 1e9, 20.0);
        }
        assert_eq!(seconds(&pace, None, 0.0), Some(20.0), "older ones are forgotten");
    }

    #[test]
    fn proofs_of_another_size_do_not_count() {
        let pace = Pace::default();
        for _ in 0..NEAREST {
            pace.add_seconds("cpu", 1e6, 1.0);
            pace.add_seconds("cpu", 1e9, 10.0);
        }
        assert_eq!(seconds(&pace, Some(2e9), 1.0), Some(20.0));
        assert_eq!(seconds(&pace, Some(2e6), 1.0), Some(2.0));
    }

    #[test]
    fn another_device_has_another_pace() {
        let pace = Pace::default();
        pace.add_seconds("gpu", 1e9, 1.0);
        let on = |device| pace.time_on(device, Some(1e9), 1.0).map(|time| time.as_secs());
        assert_eq!((on("gpu"), on("cpu")), (Some(1), None));
        pace.add_seconds("cpu", 1e9, 50.0);
        assert_eq!((on("gpu"), on("cpu")), (Some(1), Some(50)));
        assert_eq!(
            seconds(&pace, Some(1e9), 1.0),
            Some(50.0),
            "a job may go to either"
        );
    }

    #[test]
    fn a_time_is_computed_once_until_the_next_proof() {
        let pace = Pace::default();
        pace.add_seconds("cpu", 1e9, 1.0);
        let n_times = || pace.known().times.len();
        for _ in 0..10 {
            assert_eq!(seconds(&pace, Some(2e9), 0.5), Some(2.0));
            assert_eq!(pace.excess(2e9, 1), Some(Duration::from_secs(2)));
            assert_eq!(pace.excess(2e9, 2), None);
            assert_eq!(n_times(), 2);
        }
        pace.add_seconds("cpu", 1e9, 3.0);
        assert_eq!(n_times(), 0);
        assert_eq!(seconds(&pace, Some(2e9), 0.5), Some(6.0));
        for work in 0..10_000 {
            pace.time(Some(f64::from(work)), 0.5);
        }
        assert!(n_times() <= MAX_TIMES);
    }

    #[test]
    fn times_without_bounds_can_be_added_up() {
        let pace = Pace::default();
        pace.add_seconds("cpu", 1e9, 5.0);
        for work in [1e300, f64::INFINITY] {
            let time = pace.time(Some(work), 0.95).unwrap().min(stopped_after(u64::MAX));
            assert_eq!(time, Duration::from_secs(MAX_SECONDS), "{work}");
        }
        assert_eq!(stopped_after(10), Duration::from_secs(10));
    }

    #[test]
    fn a_job_that_would_be_stopped_is_known_before() {
        let pace = Pace::default();
        assert_eq!(pace.excess(1e18, 1), None, "nothing is known yet");
        pace.add_seconds("cpu", 1e9, 5.0);
        assert_eq!(pace.excess(1e9, 5), None);
        assert_eq!(pace.excess(2e9, 5), Some(Duration::from_secs(10)));
        assert_eq!(pace.excess(64e9, 5), Some(Duration::from_secs(320)));
        assert_eq!(
            pace.excess(65e9, 6),
            None,
            "a small proof says little of a large one"
        );
        assert_eq!(
            pace.excess(64e12, 4999),
            Some(Duration::from_secs(5000)),
            "but something"
        );
        // Nor do small proofs count beside one that is like it.
        pace.add_seconds("cpu", 64e9, 20.0);
        for _ in 0..NEAREST {
            pace.add_seconds("cpu", 1e6, 10.0);
        }
        assert_eq!(pace.excess(65e9, 60), None);
        assert_eq!(pace.excess(128e9, 39), Some(Duration::from_secs(40)));
    }
}
