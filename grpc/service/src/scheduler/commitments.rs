//! Deadlines as commitments: an accepted job must meet its deadline. A job that would make one miss is rejected.
//!
//! The assumed order of work is pessimistic. Before a job come: everything on a device, its tenant's waiting jobs of at
//! least the same priority, all jobs of a higher priority, and of every other tenant as many further jobs as the job's
//! tenant gets turns until then, each as long as the longest.
//!
//! No tenant is locked out by what others were promised: its only job is never rejected for their deadlines.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What the order of work needs to know of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work<'a> {
    /// Tenant of the job.
    pub tenant: &'a str,
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

/// Waiting jobs of one tenant that have one priority.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    n: u32,
    time: Duration,
    longest: Duration,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.time += other.time;
        self.longest = self.longest.max(other.longest);
    }
}

/// Waiting jobs of one tenant, by priority after ageing and before it.
#[derive(Debug, Default)]
struct Waiting {
    aged: BTreeMap<i64, Sum>,
    plain: BTreeMap<i64, Sum>,
}

impl Waiting {
    fn add(&mut self, job: &Work<'_>) {
        let sum = Sum {
            n: 1,
            time: job.time,
            longest: job.time,
        };
        self.aged.entry(job.aged).or_default().add(sum);
        self.plain.entry(job.priority).or_default().add(sum);
    }

    /// Jobs of at least a priority after ageing.
    fn from(&self, priority: i64) -> Sum {
        let mut all = Sum::default();
        self.aged.range(priority..).for_each(|(_, sum)| all.add(*sum));
        all
    }

    /// Time of the jobs that come before a job of another tenant that gets so many turns.
    fn before_others(&self, priority: i64, n_turns: u32) -> Duration {
        let above = self.plain.range(priority.saturating_add(1)..);
        let above: Duration = above.map(|(_, sum)| sum.time).sum();
        let all = self.from(priority);
        let turns = all.longest.saturating_mul(n_turns);
        above + all.time.saturating_sub(above).min(turns)
    }
}

/// All work before new jobs.
#[derive(Debug, Default)]
struct Plan<'a> {
    begun: Duration,
    waiting: HashMap<&'a str, Waiting>,
}

impl<'a> Plan<'a> {
    fn of(jobs: impl IntoIterator<Item = &'a Work<'a>>) -> Self {
        let mut plan = Self::default();
        for job in jobs {
            match job.has_begun {
                true => plan.begun += job.time,
                false => plan.waiting.entry(job.tenant).or_default().add(job),
            }
        }
        plan
    }

    /// Time until the devices take a job of the plan.
    fn wait(&self, job: &Work<'_>, n_devices: u32) -> Duration {
        let own = self.waiting.get(job.tenant).map(|own| own.from(job.priority));
        let own = own.unwrap_or_default();
        let others = self.waiting.iter().filter(|(tenant, _)| **tenant != job.tenant);
        let others = others.map(|(_, waiting)| waiting.before_others(job.priority, own.n));
        (self.begun + own.time.saturating_sub(job.time) + others.sum::<Duration>()) / n_devices
    }

    /// Whether a job misses its deadline by more than the time it takes. A smaller excess may be the estimate's.
    fn is_hopeless(&self, job: &Work<'_>, n_devices: u32) -> bool {
        let missed = self.missed(job, n_devices, false);
        missed.is_some_and(|missed| missed.needed - missed.left > job.time)
    }

    /// The deadline of a job, if the job would miss it.
    fn missed(&self, job: &Work<'_>, n_devices: u32, is_own: bool) -> Option<Missed> {
        let missed = Missed {
            left: job.left?,
            needed: self.wait(job, n_devices) + job.time,
            is_own,
        };
        (missed.needed > missed.left).then_some(missed)
    }
}

/// Time until `n_devices` devices would take `new` if it were accepted in addition to `accepted`.
pub fn wait(accepted: &[Work<'_>], new: Work<'_>, n_devices: u32) -> Duration {
    Plan::of(accepted.iter().chain([&new])).wait(&new, n_devices)
}

/// The first deadline that would be missed on `n_devices` devices if `new` were accepted in addition to `accepted`. A
/// deadline that is missed by far anyway does not count.
pub fn missed(accepted: &[Work<'_>], new: Work<'_>, n_devices: u32) -> Option<Missed> {
    let before = Plan::of(accepted);
    let after = Plan::of(accepted.iter().chain([&new]));
    let is_first = accepted.iter().all(|job| job.tenant != new.tenant);
    let is_delayed = |job: &&Work<'_>| !is_first && !job.has_begun && new.priority >= job.priority;
    let mut delayed = accepted.iter().filter(is_delayed);
    after.missed(&new, n_devices, true).or_else(|| {
        delayed.find_map(|job| {
            let missed = after.missed(job, n_devices, false)?;
            (!before.is_hopeless(job, n_devices)).then_some(missed)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn work(seconds: u64, priority: i64, left: Option<u64>) -> Work<'static> {
        Work {
            tenant: "a",
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
            // A deadline that is missed by far anyway does not count.
            (vec![running, work(10, 0, Some(59))], work(1, 0, None), 1, None),
            (
                vec![running, work(10, 0, Some(60))],
                work(1, 0, None),
                1,
                other(60, 71),
            ),
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

    #[test]
    fn tenants_take_turns() {
        let of = |tenant, work| Work { tenant, ..work };
        let flood = vec![of("b", work(10, 0, None)); 300];
        // One turn of the other tenant, whatever else it has.
        assert_eq!(missed(&flood, work(10, 0, Some(20)), 1), None);
        assert!(missed(&flood, work(10, 0, Some(19)), 1).is_some_and(|missed| missed.is_own));
        assert_eq!(wait(&flood, work(10, 0, None), 1), Duration::from_secs(10));
        // Two turns of each for a second job.
        let second = [&flood[..], &[work(10, 0, None)]].concat();
        assert_eq!(wait(&second, work(10, 0, None), 1), Duration::from_secs(30));
        // Higher priorities go first.
        let urgent = vec![of("b", work(10, 1, None)); 300];
        assert_eq!(wait(&urgent, work(10, 0, None), 1), Duration::from_secs(3000));
        assert_eq!(wait(&urgent, work(10, 1, None), 1), Duration::from_secs(10));
    }

    #[test]
    fn a_promise_to_one_tenant_locks_no_other_out() {
        let promised = vec![Work {
            tenant: "b",
            ..work(10, -100, Some(15))
        }];
        assert_eq!(missed(&promised, work(10, 0, None), 1), None);
        // Its second job has to wait until the promise is kept.
        let with_first = [&promised[..], &[work(1, 0, None)]].concat();
        let refused = missed(&with_first, work(10, 0, None), 1);
        assert!(refused.is_some_and(|missed| !missed.is_own));
    }
}
