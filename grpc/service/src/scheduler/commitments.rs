//! Deadlines as commitments: an accepted job must meet its deadline. A job that would make one miss is rejected.
//!
//! The assumed order of work is pessimistic: everything on a device and every waiting job of at least the same priority
//! comes before a job, whatever the fair share between tenants.

use std::collections::BTreeMap;
use std::time::Duration;

/// What the order of work needs to know of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Device time that the job still needs.
    pub time: Duration,
    /// Higher goes first.
    pub priority: i64,
    /// Priority after ageing.
    pub aged: i64,
    /// Whether the job has begun; such jobs come before all waiting ones.
    pub has_begun: bool,
    /// Time left to its deadline.
    pub left: Option<Duration>,
}

/// A deadline that would be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Time left to the deadline.
    pub left: Duration,
    /// Time until the job would finish.
    pub needed: Duration,
    /// Whether it is the new job's own deadline.
    pub is_own: bool,
}

/// The first deadline that would be missed on `n_devices` devices if `new` were accepted in addition to `accepted`. A
/// deadline that is missed anyway counts if the new job would delay that job further.
pub fn missed(accepted: &[Work], new: Work, n_devices: usize) -> Option<Missed> {
    let n_devices = u32::try_from(n_devices.max(1)).unwrap_or(u32::MAX);
    let has_begun: Duration = accepted
        .iter()
        .filter(|job| job.has_begun)
        .map(|job| job.time)
        .sum();
    let mut waiting: BTreeMap<i64, Duration> = BTreeMap::new();
    for job in accepted.iter().filter(|job| !job.has_begun).chain([&new]) {
        *waiting.entry(job.aged).or_default() += job.time;
    }
    let check = |job: &Work, is_own| {
        let no_lower: Duration = waiting.range(job.priority..).map(|(_, time)| *time).sum();
        let before = has_begun + no_lower.saturating_sub(job.time);
        let missed = Missed {
            left: job.left?,
            needed: before / n_devices + job.time,
            is_own,
        };
        (missed.needed > missed.left).then_some(missed)
    };
    let is_delayed = |job: &&Work| !job.has_begun && new.priority >= job.priority;
    let mut delayed = accepted.iter().filter(is_delayed);
    check(&new, true).or_else(|| delayed.find_map(|job| check(job, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn work(seconds: u64, priority: i64, left: Option<u64>) -> Work {
        Work {
            time: Duration::from_secs(seconds),
            priority,
            aged: priority,
            has_begun: false,
            left: match left {
                Some(left) => Some(Duration::from_secs(left)),
                None => None,
            },
        }
    }

    #[test]
    fn commitments_are_kept() {
        let running = Work {
            has_begun: true,
            ..work(60, -5, None)
        };
        let plain = work(10, 0, None);
        let promised = work(10, 0, Some(85));
        let old = Work { aged: 2, ..plain };
        let own = |left, needed| {
            Some(Missed {
                left: Duration::from_secs(left),
                needed: Duration::from_secs(needed),
                is_own: true,
            })
        };
        let other = |left, needed| {
            Some(Missed {
                is_own: false,
                ..own(left, needed)?
            })
        };
        // 60 s on the device, 10 s waiting, 10 s of its own.
        for (accepted, new, n_devices, expected) in [
            (vec![], work(10, 0, Some(10)), 1, None),
            (vec![], work(10, 0, Some(9)), 1, own(9, 10)),
            (vec![running, plain], work(10, 0, Some(80)), 1, None),
            (vec![running, plain], work(10, 0, Some(79)), 1, own(79, 80)),
            (vec![running, plain], work(10, 0, Some(79)), 2, None),
            (vec![running, plain], work(10, 1, Some(79)), 1, None),
            (vec![running, plain], work(10, 1, Some(69)), 1, own(69, 70)),
            // An aged job of lower priority goes first.
            (vec![running, old], work(10, 1, Some(79)), 1, own(79, 80)),
            // Another job's deadline: jobs that may go before it can use the time it has left.
            (vec![running, plain, promised], work(5, 0, None), 1, None),
            (vec![running, plain, promised], work(6, 0, None), 1, other(85, 86)),
            (vec![running, plain, promised], work(6, 1, None), 1, other(85, 86)),
            (vec![running, plain, promised], work(1000, -1, None), 1, None),
            (vec![running, plain, promised], work(6, 0, None), 2, None),
            // A deadline that is missed anyway must not be delayed further.
            (
                vec![running, work(10, 0, Some(5))],
                work(1, 0, None),
                1,
                other(5, 71),
            ),
            (vec![running, work(10, 0, Some(5))], work(1, -1, None), 1, None),
            // A job on a device is not delayed.
            (
                vec![Work {
                    left: Some(Duration::from_secs(1)),
                    ..running
                }],
                work(10, 100, None),
                1,
                None,
            ),
        ] {
            assert_eq!(
                missed(&accepted, new, n_devices),
                expected,
                "{accepted:?} {new:?} {n_devices}"
            );
        }
    }
}
