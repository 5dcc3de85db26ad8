//! The way from the first proof of a job that wraps to its second leg.

use super::Scheduler;
use crate::crash;
use crate::job::Job;
use crate::store::{Fence, Renew, StoreError};
use quarry_client::protocol::FirstProof;

impl Scheduler {
    /// Records the first proof of a job, and queues the job for its second leg: to the queue and to the devices it is a
    /// job that was just received. The caller puts collection off, since the file of the proof has no record before.
    pub(super) async fn begin_second_leg(&self, job: &Job, first: FirstProof) -> Result<(), StoreError> {
        crash::point("leg.kept");
        let next = move |job: &mut Job| job.begin_second_leg(first.clone());
        let fence = Fence::Lease(job.lease);
        let job = self.change(&job.id, fence, Renew::New, next).await?;
        crash::point("leg.recorded");
        tracing::info!(id = job.id, "the first proof is made: its wrapping begins");
        self.scratch.clear(&job.id);
        self.admit(&job);
        Ok(())
    }
}
