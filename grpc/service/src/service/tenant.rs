//! The caller's tenant: its limits, and its use of them.

use super::api::Api;
use super::identity::Identity;
use super::slots::Slot;
use super::status::of_artifacts;
use crate::quota::{self, Exceeded};
use crate::scheduler::Recorded;
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

    /// What the store has recorded of a tenant; `None` if it does not tell soon.
    pub(super) async fn recorded(&self, tenant: &str) -> Option<Recorded> {
        let recorded = timeout(MAX_STORE_WAIT, self.scheduler.recorded(tenant)).await;
        recorded.ok().and_then(Result::ok)
    }

    /// Limits and use of the caller's tenant.
    pub(super) async fn tenant(&self, who: &Identity) -> Result<Tenant, Status> {
        let (name, limits) = (&*who.tenant, &who.limits);
        let usage = self.artifacts.usage(name).map_err(|error| of_artifacts(&error))?;
        // Capabilities are told also while the store fails or hangs.
        let recorded = self.recorded(name).await;
        let record_bytes = recorded.map(|recorded| recorded.record_bytes);
        let stored = usage.stored.saturating_add(record_bytes.unwrap_or_default());
        let quota = |used, max| Some(Quota { used, max });
        Ok(Tenant {
            name: name.to_owned(),
            stored_bytes: quota(stored, limits.max_stored_bytes),
            promised_bytes: quota(usage.promised, limits.max_promised_bytes),
            active_jobs: quota(self.scheduler.n_active(name), limits.max_active_jobs),
            estimates: quota(self.estimates.held(&who.tenant) as u64, limits.max_estimates),
            device_seconds_today: recorded.and_then(|recorded| {
                quota(recorded.device_time.as_secs(), limits.max_device_seconds_per_day)
            }),
            max_priority: limits.max_priority,
            record_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::scheduler::Scheduler;
    use crate::service::identity::authenticator;
    use crate::service::open::Data;
    use crate::service::rates::Limiter;
    use crate::service::sessions::Sessions;
    use std::sync::{Arc, mpsc};
    use tonic::metadata::MetadataMap;

    #[tokio::test(flavor = "multi_thread")]
    async fn capabilities_are_told_while_the_store_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().to_owned(),
            ..Config::default()
        };
        let data = Data::open(&config).unwrap();
        let (settings, store) = (data.settings(&config), Arc::clone(&data.store));
        let artifacts = Arc::clone(&data.artifacts);
        let scheduler = Scheduler::start(settings, data.store, artifacts).await.unwrap();
        let clients = authenticator(&config, &Sessions::new(0)).unwrap();
        let mut who = clients.identify(&MetadataMap::new(), None).unwrap();
        who.limits.max_device_seconds_per_day = Some(1000);
        let addresses = Limiter::new(&config.rates);
        let api = Api::new(scheduler, data.artifacts, clients, addresses, None, &config);
        let today = async || {
            let told = timeout(Duration::from_secs(60), api.tenant(&who)).await;
            told.expect("no wait for the store").unwrap().device_seconds_today
        };
        let (hangs, is_hanging) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let hanging = std::thread::spawn(move || {
            store.hang_while(|| {
                hangs.send(()).unwrap();
                let _ = released.recv();
            });
        });
        is_hanging.recv().unwrap();
        assert_eq!(today().await, None, "the service does not know");
        drop(release);
        hanging.join().unwrap();
        let known = timeout(Duration::from_secs(60), async {
            loop {
                if let Some(quota) = today().await {
                    break quota;
                }
            }
        });
        let known = known.await.expect("the store tells again");
        assert_eq!((known.used, known.max), (0, Some(1000)));
    }
}
