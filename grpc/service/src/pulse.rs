//! Progress of worker and child processes: when each made some, and how long it may make none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Number of looks at a process while it makes no progress, until it counts as hung. Looks are counted, not time: if
/// the service itself was stopped, its processes get the time again.
pub const LOOKS: u32 = 16;

/// A process that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// The worker of the device with this name.
    Worker(String),
    /// A child.
    Child,
}

/// Progress of a process.
#[derive(Debug)]
pub struct Pulse {
    process: Process,
    beat: Mutex<Beat>,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    last: Instant,
    limit: Duration,
}

/// What a process has not done for some time: make progress.
#[derive(Clone, Debug)]
pub struct Silence {
    /// The process.
    pub process: Process,
    /// Time since its last progress.
    pub time: Duration,
    /// How long it may make none.
    pub limit: Duration,
}

impl Silence {
    /// Whether the process is likely to hang: half of its time is over.
    pub fn is_suspicious(&self) -> bool {
        self.time > self.limit / 2
    }
}

impl Pulse {
    /// The process has made progress, and may make none for `limit` from now on.
    pub fn beat(&self, limit: Duration) {
        let last = Instant::now();
        *self.lock() = Beat { last, limit };
    }

    /// How long the process may make no progress.
    pub fn limit(&self) -> Duration {
        self.lock().limit
    }

    /// Resolves after the time that the process may make no progress. Dropped and called again when it makes some.
    pub async fn stalled(&self) {
        for _ in 0..LOOKS {
            sleep(self.limit() / LOOKS).await;
        }
    }

    fn silence(&self) -> Silence {
        let beat = *self.lock();
        Silence {
            process: self.process.clone(),
            time: beat.last.elapsed(),
            limit: beat.limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All processes that are watched.
#[derive(Debug, Default)]
pub struct Pulses(Mutex<Vec<Weak<Pulse>>>);

impl Pulses {
    /// Watches a process until its pulse is dropped.
    pub fn begin(&self, process: Process, limit: Duration) -> Arc<Pulse> {
        let last = Instant::now();
        let pulse = Arc::new(Pulse {
            process,
            beat: Mutex::new(Beat { last, limit }),
        });
        let mut all = self.lock();
        all.retain(|pulse| pulse.strong_count() > 0);
        all.push(Arc::downgrade(&pulse));
        pulse
    }

    /// The silence of every process.
    pub fn silences(&self) -> Vec<Silence> {
        let all = self.lock();
        let pulses = all.iter().filter_map(Weak::upgrade);
        pulses.map(|pulse| pulse.silence()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Pulse>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_watched_until_they_end() {
        let pulses = Pulses::default();
        let worker = pulses.begin(Process::Worker("cpu".to_owned()), Duration::MAX);
        let child = pulses.begin(Process::Child, Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
        let suspicious = || {
            let silences = pulses.silences().into_iter();
            silences
                .filter(Silence::is_suspicious)
                .map(|silence| silence.process)
        };
        assert_eq!(pulses.silences().len(), 2);
        assert_eq!(suspicious().collect::<Vec<_>>(), [Process::Child]);
        child.beat(Duration::MAX);
        assert_eq!(suspicious().count(), 0);
        drop((worker, child));
        assert!(pulses.silences().is_empty());
    }
}
