//! Quotas of a tenant: what is counted, and the error for too much of it.

use std::time::Duration;

/// What is counted for each tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Bytes of all its files.
    StoredBytes,
    /// Bytes that its open uploads may still send.
    PromisedBytes,
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
        }
    }
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
