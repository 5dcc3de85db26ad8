//! The caller's tenant: its limits, and its use of them.

use super::api::Api;
use super::identity::Identity;
use super::slots::Slot;
use super::status::of_artifacts;
use crate::quota::{self, Exceeded};
use quarry_client::protocol::{Quota, Tenant};
use std::time::Duration;
use tokio::time::timeout;
use tonic::Status;

/// How long the store is waited for.
const MAX_STORE_WAIT: Duration = Duration::from_secs(1);
/// Maximum estimates under way of a tenant without a limit of its own: they wait, and each keeps its request.
const MAX_ESTIMATES: u64 = 256;

impl Api {
    /// Takes a place for an estimate, within the tenant's limit.
    pub(super) fn estimate_slot(&self, who: &Identity) -> Result<Slot<String>, Exceeded> {
        let max = who.limits.max_estimates.unwrap_or(MAX_ESTIMATES);
        let most = usize::try_from(max).unwrap_or(usize::MAX);
        let slot = self.estimates.take_within(who.tenant.clone(), most);
        slot.ok_or_else(|| Exceeded {
            quota: quota::Quota::Estimates,
            used: self.estimates.held(&who.tenant) as u64,
            asked: 1,
            max,
        })
    }

    /// Bytes that the records of a tenant's jobs take; `None` if the store does not tell soon.
    pub(super) async fn record_bytes(&self, tenant: &str) -> Option<u64> {
        let bytes = timeout(MAX_STORE_WAIT, self.scheduler.record_bytes(tenant)).await;
        bytes.ok().and_then(Result::ok)
    }

    /// Limits and use of the caller's tenant.
    pub(super) async fn tenant(&self, who: &Identity) -> Result<Tenant, Status> {
        let (name, limits) = (&*who.tenant, &who.limits);
        let usage = self.artifacts.usage(name).map_err(|error| of_artifacts(&error))?;
        // Capabilities are told also while the store fails or hangs.
        let device_time = timeout(MAX_STORE_WAIT, self.scheduler.device_time_today(name)).await;
        let device_time = device_time.ok().and_then(Result::ok);
        let record_bytes = self.record_bytes(name).await;
        let stored = usage.stored.saturating_add(record_bytes.unwrap_or_default());
        let quota = |used, max| Some(Quota { used, max });
        Ok(Tenant {
            name: name.to_owned(),
            stored_bytes: quota(stored, limits.max_stored_bytes),
            promised_bytes: quota(usage.promised, limits.max_promised_bytes),
            active_jobs: quota(self.scheduler.n_active(name), limits.max_active_jobs),
            estimates: quota(self.estimates.held(&who.tenant) as u64, limits.max_estimates),
            device_seconds_today: device_time
                .and_then(|time| quota(time.as_secs(), limits.max_device_seconds_per_day)),
            max_priority: limits.max_priority,
            record_bytes,
        })
    }
}
