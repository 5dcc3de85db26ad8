//! Quotas of a tenant: what is counted, and the error for too much of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// What is counted for each tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Bytes of all its files.
    StoredBytes,
    /// Bytes that its open uploads may still send.
    PromisedBytes,
    /// Jobs that have not ended: queued and running.
    ActiveJobs,
    /// Bytes of the files of all strangers.
    StoredBytesOfStrangers,
    /// Jobs of all strangers that have not ended.
    ActiveJobsOfStrangers,
    /// Estimates that are asked for and not answered.
    Estimates,
    /// Seconds on devices in a day.
    DeviceSeconds,
    /// Those, and the seconds that accepted jobs should take.
    PlannedDeviceSeconds,
}

impl Quota {
    /// The key of its limit in the configuration, what it counts, and when a refused call may be made again.
    fn row(self) -> (&'static str, &'static str, Duration) {
        let seconds = Duration::from_secs;
        match self {
            // As often as files are collected.
            Self::StoredBytes => ("max_stored_bytes", "stored bytes", seconds(600)),
            Self::PromisedBytes => (
                "max_promised_bytes",
                "bytes that open uploads may still send",
                seconds(10),
            ),
            Self::ActiveJobs => ("max_active_jobs", "jobs that have not ended", seconds(10)),
            Self::StoredBytesOfStrangers => (
                "strangers.max_stored_bytes",
                "stored bytes with all other strangers",
                seconds(600),
            ),
            Self::ActiveJobsOfStrangers => (
                "strangers.max_active_jobs",
                "jobs that have not ended with all other strangers",
                seconds(10),
            ),
            Self::Estimates => ("max_estimates", "estimates under way", seconds(5)),
            Self::DeviceSeconds => (
                "max_device_seconds_per_day",
                "device seconds used today (UTC)",
                until_tomorrow(),
            ),
            // A job may end sooner than planned.
            Self::PlannedDeviceSeconds => (
                "max_device_seconds_per_day",
                "device seconds used or planned today (UTC)",
                seconds(10),
            ),
        }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Number of today, in UTC: device time is counted by days.
pub fn today() -> u64 {
    since_1970().as_secs() / DAY
}

/// Time until the next day, in UTC.
pub fn until_tomorrow() -> Duration {
    Duration::from_secs(DAY - since_1970().as_secs() % DAY)
}

/// A tenant asks for more than its limit allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: the tenant has {used} {} and asks for {asked} more; at most {max} are allowed",
    .quota.row().0,
    .quota.row().1
)]
pub struct Exceeded {
    /// What it asks for.
    pub quota: Quota,
    /// How much it uses now.
    pub used: u64,
    /// How much more it asks for.
    pub asked: u64,
    /// How much it may use.
    pub max: u64,
}

impl Exceeded {
    /// When the call may succeed; `None` if it never will.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.asked <= self.max).then(|| self.quota.row().2)
    }
}

/// Refuses what a tenant asks for beyond its limit. Without a limit, nothing is refused.
///
/// # Errors
/// [`Exceeded`].
pub fn allow(quota: Quota, used: u64, asked: u64, max: Option<u64>) -> Result<(), Exceeded> {
    match max {
        Some(max) if used.saturating_add(asked) > max => Err(Exceeded {
            quota,
            used,
            asked,
            max,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_limit_and_the_use() {
        assert_eq!(allow(Quota::ActiveJobs, 7, 1, None), Ok(()));
        assert_eq!(allow(Quota::ActiveJobs, 7, 1, Some(8)), Ok(()));
        let refused = allow(Quota::ActiveJobs, 8, 1, Some(8)).unwrap_err();
        let message = "max_active_jobs: the tenant has 8 jobs that have not ended and asks for 1 more; \
                       at most 8 are allowed";
        assert_eq!(refused.to_string(), message);
        assert!(refused.retry_after().is_some());
        let never = allow(Quota::ActiveJobs, 0, 1, Some(0)).unwrap_err();
        assert_eq!(never.retry_after(), None, "waiting does not help");
        let tomorrow = allow(Quota::DeviceSeconds, u64::MAX, 1, Some(9)).unwrap_err();
        let after = tomorrow.retry_after().unwrap();
        assert!(!after.is_zero() && after <= Duration::from_secs(DAY), "{after:?}");
        let planned = allow(Quota::PlannedDeviceSeconds, u64::MAX, 1, Some(9)).unwrap_err();
        assert_eq!(planned.retry_after(), Some(Duration::from_secs(10)));
    }
}
