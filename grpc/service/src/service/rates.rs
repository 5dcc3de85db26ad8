//! Rate limits: token buckets per known client, or else per address.

use super::connections::whole_network;
use super::status::retry;
use crate::config::{Rate, Rates};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tonic::{Code, Status};

/// Number of addresses with their own buckets; while there are more, all addresses share one.
const MAX_ADDRESSES: usize = 1 << 14;

/// Buckets of one kind of request, by address.
type Buckets = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, NoOpMiddleware>;

fn buckets(rate: Rate) -> Buckets {
    RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst))
}

/// Kinds of requests with their own rate limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Any request.
    Call,
    /// Submitting or estimating a job.
    Submission,
    /// A request whose authentication fails.
    FailedAuthentication,
}

/// The buckets of all addresses, for all kinds of requests; or the buckets of one client, whatever its address.
pub struct Limiter(RwLock<AllBuckets>);

struct AllBuckets {
    calls: Buckets,
    submissions: Buckets,
    failures: Buckets,
}

impl AllBuckets {
    fn full(rates: &Rates) -> Self {
        Self {
            calls: buckets(rates.calls),
            submissions: buckets(rates.submissions),
            failures: buckets(rates.failures),
        }
    }
}

impl Limiter {
    /// Creates a limiter with full buckets.
    pub fn new(rates: &Rates) -> Arc<Self> {
        Arc::new(Self(RwLock::new(AllBuckets::full(rates))))
    }

    /// Replaces all buckets by full ones of other rates.
    pub fn set(&self, rates: &Rates) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = AllBuckets::full(rates);
    }

    fn buckets(&self) -> RwLockReadGuard<'_, AllBuckets> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a token from a bucket of an address.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` with a retry delay.
    pub fn take(&self, kind: RequestKind, address: IpAddr) -> Result<(), Status> {
        let all = self.buckets();
        let (buckets, what) = match kind {
            RequestKind::Call => (&all.calls, "calls"),
            RequestKind::Submission => (&all.submissions, "submissions"),
            RequestKind::FailedAuthentication => {
                (&all.failures, "calls without a known token or certificate")
            }
        };
        let address = match buckets.len() {
            ..MAX_ADDRESSES => whole_network(address),
            _ => Ipv4Addr::UNSPECIFIED.into(),
        };
        let full = |not_until: NotUntil<_>| {
            let after = not_until.wait_time_from(DefaultClock::default().now());
            retry(Code::ResourceExhausted, format!("too many {what}"), after)
        };
        buckets.check_key(&address).map_err(full)
    }

    /// Drops full buckets, which are equivalent to new ones.
    pub fn forget(&self) {
        let all = self.buckets();
        for buckets in [&all.calls, &all.submissions, &all.failures] {
            buckets.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use std::time::Duration;
    use tonic_types::StatusExt;

    #[test]
    fn a_bucket_for_each_address_and_memory_for_so_many() {
        let rate = Rate {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(2).unwrap(),
        };
        let limiter = Limiter::new(&Rates {
            calls: rate,
            ..Rates::default()
        });
        let take = |n: u32| limiter.take(RequestKind::Call, IpAddr::V4(n.into()));
        assert!(take(1).is_ok() && take(1).is_ok());
        let refused = take(1).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let delay = refused.get_details_retry_info().and_then(|info| info.retry_delay);
        let delay = delay.expect("a time to come again").as_millis();
        assert!((1..=1000).contains(&delay), "{delay}");
        assert!(
            limiter
                .take(RequestKind::Submission, IpAddr::V4(1.into()))
                .is_ok()
        );
        let n_taken = (2..2 * MAX_ADDRESSES as u32).filter(|n| take(*n).is_ok()).count();
        assert_eq!(
            limiter.buckets().calls.len(),
            MAX_ADDRESSES + 1,
            "one more that the others share"
        );
        assert!(n_taken >= MAX_ADDRESSES, "{n_taken}");
        std::thread::sleep(Duration::from_millis(3200));
        limiter.forget();
        let n_left = limiter.buckets().calls.len();
        assert_eq!(n_left, 0);
        limiter.set(&Rates {
            submissions: rate,
            ..Rates::default()
        });
        let submit = || limiter.take(RequestKind::Submission, IpAddr::V4(1.into()));
        assert!(submit().is_ok() && submit().is_ok() && submit().is_err());
        assert!((0..3).all(|_| take(1).is_ok()), "more calls than before");
    }
}
