//! Order of waiting jobs. First the tenant is chosen: by the priority of its jobs, which grows with the time since the
//! tenant was last served; ties go to the tenant served least. Then one of the tenant's jobs: by priority, which grows
//! while the job waits, then by age.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Waiting time worth one point of priority; it prevents starvation.
const WORTH_ONE: Duration = Duration::from_secs(60);

/// A waiting job.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The job's id.
    pub id: String,
    /// The job's lease when it was queued.
    pub lease: u64,
    /// Tenant of the job.
    pub tenant: String,
    /// Higher goes first.
    pub priority: i32,
    /// Start of the wait.
    pub since: Instant,
    /// Earliest time at which the job may be taken.
    pub not_before: Instant,
}

/// How often and when a tenant was served.
#[derive(Clone, Copy, Debug)]
struct Served {
    /// Number of jobs taken.
    n: u64,
    /// Last time a job was taken, or when the tenant's first job was queued.
    last: Instant,
}

/// A queue of waiting jobs.
#[derive(Debug, Default)]
pub struct Queue {
    entries: Vec<Entry>,
    /// Only of tenants with queued jobs.
    served: HashMap<String, Served>,
}

/// Priority after waiting for some time.
pub(super) fn aged(priority: i32, waited: Duration) -> i64 {
    let worth = waited.as_secs() / WORTH_ONE.as_secs();
    i64::from(priority) + i64::try_from(worth).unwrap_or(i64::MAX / 2)
}

impl Queue {
    /// Adds a job.
    pub fn push(&mut self, entry: Entry) {
        if !self.served.contains_key(&entry.tenant) {
            // A new tenant gets no credit for the time before it came.
            let least = self.served.values().map(|served| served.n).min().unwrap_or(0);
            let served = Served {
                n: least,
                last: entry.since,
            };
            self.served.insert(entry.tenant.clone(), served);
        }
        self.entries.push(entry);
    }

    /// Takes the next job that is due and for which `may_be` holds.
    pub fn pop(&mut self, now: Instant, may_be: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let turn = |entry: &Entry| {
            let served = self.served.get(&entry.tenant);
            // The wait counts from when the tenant was last served. Otherwise a long backlog would keep ageing while
            // its tenant is served, and shut out other tenants.
            let since = served.map_or(entry.since, |served| served.last.max(entry.since));
            let rank = aged(entry.priority, now.saturating_duration_since(since));
            (Reverse(rank), served.map_or(0, |served| served.n))
        };
        let own = |entry: &Entry| Reverse(aged(entry.priority, now.saturating_duration_since(entry.since)));
        let can_be = |entry: &&Entry| entry.not_before <= now && may_be(entry);
        // Ties go to the first, which is the oldest.
        let tenant = self
            .entries
            .iter()
            .filter(can_be)
            .min_by_key(|entry| turn(entry))?;
        let tenant = tenant.tenant.clone();
        let of_tenant = |(_, entry): &(usize, &Entry)| entry.tenant == tenant && can_be(entry);
        let all = self.entries.iter().enumerate();
        let (next, _) = all.filter(of_tenant).min_by_key(|(_, entry)| own(entry))?;
        if let Some(served) = self.served.get_mut(&tenant) {
            served.n += 1;
            served.last = now;
        }
        self.take(next)
    }

    /// Removes a job.
    pub fn remove(&mut self, id: &str) -> Option<Entry> {
        self.take(self.entries.iter().position(|entry| entry.id == id)?)
    }

    fn take(&mut self, at: usize) -> Option<Entry> {
        let entry = self.entries.remove(at);
        if !self.entries.iter().any(|other| other.tenant == entry.tenant) {
            self.served.remove(&entry.tenant);
        }
        Some(entry)
    }

    /// Iterates over the jobs.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, tenant: &str, priority: i32, since: Instant) -> Entry {
        Entry {
            id: id.to_owned(),
            lease: 0,
            tenant: tenant.to_owned(),
            priority,
            since,
            not_before: since,
        }
    }

    fn order(queue: &mut Queue, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| queue.pop(now, |_| true))
            .map(|entry| entry.id)
            .collect()
    }

    #[test]
    fn priority_then_share_then_age() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for (id, tenant, priority) in [
            ("a1", "a", 0),
            ("a2", "a", 0),
            ("a3", "a", 0),
            ("b1", "b", 0),
            ("b2", "b", 0),
            ("c1", "c", 5),
        ] {
            queue.push(entry(id, tenant, priority, now));
        }
        assert_eq!(order(&mut queue, now), ["c1", "a1", "b1", "a2", "b2", "a3"]);
    }

    #[test]
    fn no_job_starves() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push(entry("old", "poor", 0, start));
        let mut now = start;
        // Whenever a job is taken, another one with higher priority is submitted.
        for minute in 0..30 {
            now = start + Duration::from_secs(60 * minute);
            queue.push(entry("new", "rich", 10, now));
            if queue.pop(now, |_| true).is_some_and(|entry| entry.id == "old") {
                assert!(minute >= 10, "{minute}");
                return;
            }
        }
        panic!("starved for {:?}", now - start);
    }

    #[test]
    fn a_tenant_with_many_jobs_does_not_shut_out_one_with_few() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for n in 0..100 {
            queue.push(entry(&format!("many{n}"), "many", 0, now));
        }
        for _ in 0..50 {
            queue.pop(now, |_| true);
        }
        queue.push(entry("few", "few", 0, now));
        let first: Vec<_> = order(&mut queue, now).into_iter().take(2).collect();
        assert!(first.contains(&"few".to_owned()), "{first:?}");
    }

    #[test]
    fn a_long_backlog_does_not_shut_out_who_comes_later() {
        let start = Instant::now();
        let mut queue = Queue::default();
        for n in 0..1000 {
            queue.push(entry(&format!("many{n}"), "many", 0, start));
        }
        // A proof takes ten seconds; the other tenant's job comes after two minutes.
        for n in 0..60 {
            let now = start + Duration::from_secs(10 * n);
            if n == 13 {
                queue.push(entry("few", "few", 0, now));
            }
            if queue.pop(now, |_| true).is_some_and(|entry| entry.id == "few") {
                assert!((13..=15).contains(&n), "{n}");
                return;
            }
        }
        panic!("shut out");
    }

    #[test]
    fn who_leaves_and_comes_again_comes_anew() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.push(entry("a", "a", 0, now));
        queue.push(entry("gone", "b", 0, now));
        for n in 0..9 {
            queue.push(entry(&format!("a{n}"), "a", 0, now));
            queue.pop(now, |entry| entry.tenant == "a");
        }
        queue.remove("gone");
        queue.push(entry("b1", "b", 0, now));
        queue.push(entry("b2", "b", 0, now));
        let first: Vec<_> = order(&mut queue, now).into_iter().take(2).collect();
        assert!(first.iter().any(|id| id.starts_with("a")), "{first:?}");
    }

    #[test]
    fn what_is_put_off_is_not_taken_before() {
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let mut queue = Queue::default();
        queue.push(Entry {
            not_before: later,
            ..entry("later", "a", 0, now)
        });
        assert!(queue.pop(now, |_| true).is_none());
        assert!(queue.pop(later, |_| true).is_some());
    }
}
