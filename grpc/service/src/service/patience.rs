//! How long an upload is waited for. A client that sends too little loses its place; what it sent stays, to be resumed.

use crate::config::ArtifactLimits;
use std::future::Future;
use std::time::{Duration, Instant};
use tonic::Status;

/// The time that an upload has left: a credit of waiting, which received bytes refill, and a lifetime.
pub struct Patience {
    min_bytes_per_second: u64,
    max_seconds: u64,
    stall: Duration,
    began: Instant,
    credit: Duration,
}

impl Patience {
    /// Begins to wait for an upload, whose client may be silent for `stall` at most.
    pub fn new(limits: &ArtifactLimits, stall: Duration) -> Self {
        Self {
            min_bytes_per_second: limits.min_upload_bytes_per_second,
            max_seconds: limits.max_upload_seconds,
            began: Instant::now(),
            credit: stall,
            stall,
        }
    }

    /// Waits for the client's next message. Only waiting counts, so a slow disk of the service costs the client
    /// nothing.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED`; those of `next`.
    pub async fn wait<T>(&mut self, next: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let begin = Instant::now();
        let lifetime = Duration::from_secs(self.max_seconds).saturating_sub(begin - self.began);
        if lifetime.is_zero() {
            return Err(self.over_lifetime());
        }
        let waited = tokio::time::timeout(self.credit.min(lifetime), next).await;
        let Ok(answer) = waited else {
            return Err(match self.credit < lifetime {
                true => self.too_slow(),
                false => self.over_lifetime(),
            });
        };
        self.spend(begin.elapsed());
        answer
    }

    /// Counts received bytes.
    pub fn received(&mut self, bytes: usize) {
        let worth = bytes as f64 / self.min_bytes_per_second as f64;
        self.credit =
            (self.credit + Duration::from_secs_f64(worth.min(self.stall.as_secs_f64()))).min(self.stall);
    }

    fn spend(&mut self, waited: Duration) {
        self.credit = self.credit.saturating_sub(waited);
    }

    fn too_slow(&self) -> Status {
        Status::deadline_exceeded(format!(
            "the client sent nothing, or less than {} bytes a second, for too long: resume the upload",
            self.min_bytes_per_second
        ))
    }

    fn over_lifetime(&self) -> Status {
        Status::deadline_exceeded(format!(
            "the upload took longer than max_upload_seconds = {}: resume it",
            self.max_seconds
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tonic::Code;

    const STALL: Duration = Duration::from_secs(30);

    fn patience(rate: u64, seconds: u64) -> Patience {
        let limits = ArtifactLimits {
            min_upload_bytes_per_second: rate,
            max_upload_seconds: seconds,
            ..ArtifactLimits::default()
        };
        Patience::new(&limits, STALL)
    }

    #[test]
    fn a_trickle_runs_out_of_patience_and_a_stream_does_not() {
        // A byte every second, where ten a second are asked for.
        let mut trickle = patience(10, u64::MAX);
        let second = Duration::from_secs(1);
        let n_seconds = (1..1000).find(|_| {
            trickle.spend(second);
            trickle.received(1);
            trickle.credit < second
        });
        assert!((30..=35).contains(&n_seconds.unwrap()), "{n_seconds:?}");

        let mut stream = patience(10, u64::MAX);
        for _ in 0..1000 {
            stream.spend(20 * second);
            stream.received(200);
        }
        assert_eq!(stream.credit, STALL, "no more than at the beginning");
    }

    #[tokio::test]
    async fn who_sends_nothing_is_told_why_its_upload_ended() {
        let code_of = async |mut patience: Patience| {
            let status = patience.wait(pending::<Result<(), Status>>()).await.unwrap_err();
            assert_eq!(status.code(), Code::DeadlineExceeded);
            status.message().to_owned()
        };
        let mut slow = patience(10, u64::MAX);
        slow.spend(STALL);
        assert!(code_of(slow).await.contains("less than 10 bytes a second"));
        assert!(
            code_of(patience(10, 1))
                .await
                .contains("longer than max_upload_seconds = 1:")
        );
        // Also while the client sends without a pause.
        let mut late = patience(10, 0);
        let status = late.wait(async { Ok(()) }).await.unwrap_err();
        assert!(status.message().contains("longer than max_upload_seconds = 0:"));
    }
}
