//! The order of waiting jobs: by priority, which grows while a job waits; then by what its tenant had; then by age.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Waiting for so long is worth one of priority: nobody starves.
const WORTH_ONE: Duration = Duration::from_secs(60);

/// A job that waits.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The job.
    pub id: String,
    /// Its lease when it was put here.
    pub lease: u64,
    /// Who submitted it.
    pub tenant: String,
    /// Higher goes first.
    pub priority: i32,
    /// When it began to wait.
    pub since: Instant,
}

/// Jobs that wait.
#[derive(Debug, Default)]
pub struct Queue {
    entries: Vec<Entry>,
    /// How many jobs of each tenant were taken, of those that have jobs here.
    taken: HashMap<String, u64>,
}

impl Queue {
    /// Adds a job.
    pub fn push(&mut self, entry: Entry) {
        if !self.taken.contains_key(&entry.tenant) {
            // Who comes anew has no claim for the time before.
            let least = self.taken.values().copied().min().unwrap_or(0);
            self.taken.insert(entry.tenant.clone(), least);
        }
        self.entries.push(entry);
    }

    /// Takes the next job of those that may be taken.
    pub fn pop(&mut self, now: Instant, may_be: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let rank = |entry: &Entry| {
            let waited = now.saturating_duration_since(entry.since).as_secs() / WORTH_ONE.as_secs();
            let priority = i64::from(entry.priority) + i64::try_from(waited).unwrap_or(i64::MAX / 2);
            let taken = self.taken.get(&entry.tenant).copied().unwrap_or(0);
            (-priority, taken)
        };
        // Of equals the first: the oldest.
        let (next, _) = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| may_be(entry))
            .min_by_key(|(_, entry)| rank(entry))?;
        let entry = self.entries.remove(next);
        if self.entries.iter().any(|other| other.tenant == entry.tenant) {
            *self.taken.entry(entry.tenant.clone()).or_default() += 1;
        } else {
            self.taken.remove(&entry.tenant);
        }
        Some(entry)
    }

    /// Takes a job out.
    pub fn remove(&mut self, id: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.remove(at))
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Since when the oldest waits.
    pub fn oldest(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.since).min()
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
    fn nobody_starves() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push(entry("old", "poor", 0, start));
        let mut now = start;
        // Somebody submits a job of higher priority whenever one is taken.
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
}
