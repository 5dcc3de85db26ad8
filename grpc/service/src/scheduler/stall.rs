//! How long a process may make no progress until it counts as hung and is ended.

use super::Scheduler;
use super::estimate::PROMISE;
use crate::internal::worker_request::Request;
use crate::processes::Worker;
use crate::pulse::{Process, Pulse};
use quarry_prover_core::progress::Phase;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How long a proof may make no progress, as a multiple of the time that the whole proof is estimated to take on the
/// same device. A step between two reports usually takes a part of that time; the rest is for a loaded machine.
const PATIENCE: u32 = 2;
/// The same for the proof of work: it makes no reports, and its time is random. One search in 20,000 takes more than
/// ten times the mean.
const GRINDING_PATIENCE: u32 = 10;
/// Slowest pace of a device before its first proof, in field multiplications a second: an eighth of one CPU thread's.
const MIN_PACE: f64 = 1e7;
/// Longest time between two pings of an idle worker.
const MAX_PING_PAUSE: Duration = Duration::from_secs(10);

/// Why an idle worker cannot be used any more.
pub(super) enum Lost {
    /// It has died.
    Died,
    /// It does not answer.
    Hangs,
}

impl Scheduler {
    /// How long a proof of this work may make no progress in a phase, on the device with this description.
    pub(super) fn max_silence(&self, device: &str, work: Option<f64>, stage: &str) -> Duration {
        let unmeasured =
            || Duration::try_from_secs_f64(work.unwrap_or(0.0) / MIN_PACE).unwrap_or(Duration::MAX);
        let usual = self
            .pace
            .time_on(device, work, PROMISE)
            .unwrap_or_else(unmeasured);
        let patience = match stage == Phase::ProofOfWork.name() {
            true => GRINDING_PATIENCE,
            false => PATIENCE,
        };
        self.settings.max_stall.max(usual.saturating_mul(patience))
    }

    /// Devices that hang, or are likely to, and how that shows.
    pub(super) fn hung_devices(&self) -> HashMap<String, String> {
        let silences = self.pulses.silences().into_iter();
        let hung = silences.filter_map(|silence| match &silence.process {
            Process::Worker(device) if silence.is_suspicious() => {
                let how = format!(
                    "its worker has made no progress for {} seconds; it is ended after {}",
                    silence.time.as_secs(),
                    silence.limit.as_secs()
                );
                Some((device.clone(), how))
            }
            _ => None,
        });
        hung.collect()
    }
}

/// Asks an idle worker for answers until there is none.
pub(super) async fn keep_asking(worker: &mut Worker, pulse: &Pulse) -> Lost {
    let limit = pulse.limit();
    let mut pings = interval((limit / 4).min(MAX_PING_PAUSE));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pulse.beat(limit);
        let answered = async {
            loop {
                tokio::select! {
                    report = worker.report() => return report.is_some(),
                    _ = pings.tick() => worker.ask(Request::Ping(true)).await,
                }
            }
        };
        tokio::select! {
            is_alive = answered => if !is_alive {
                return Lost::Died;
            },
            () = pulse.stalled() => return Lost::Hangs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing;
    use quarry_client::protocol::PhaseTime;

    #[tokio::test]
    async fn a_fast_device_does_not_shorten_the_time_of_a_slow_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = testing::settings(folder.path());
        settings.max_stall = Duration::ZERO;
        let scheduler = testing::start(settings).await;
        let took = |seconds| PhaseTime {
            time: Duration::from_secs(seconds).try_into().ok(),
            ..PhaseTime::default()
        };
        let limit = |device| scheduler.max_silence(device, Some(1e9), "").as_secs();
        scheduler.pace.add("gpu", 1e9, &[took(1)]);
        assert_eq!(limit("gpu"), 2);
        assert_eq!(limit("cpu"), 200, "nothing is known of it");
        scheduler.pace.add("cpu", 1e9, &[took(20)]);
        assert_eq!((limit("gpu"), limit("cpu")), (2, 40));
    }
}
