//! What each tenant uses of the scheduler, and the limits of that.

use super::{Scheduler, SubmitError};
use crate::config::{TenantLimits, is_stranger};
use crate::job::Spec;
use crate::quota::{Quota, allow, today};
use crate::store::{JobStore, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// What is recorded of a tenant.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Time that its jobs have taken devices today.
    pub device_time: Duration,
    /// Bytes that the records of its jobs take. They count with its files.
    pub record_bytes: u64,
}

impl Scheduler {
    /// Number of a tenant's jobs that have not ended.
    pub fn n_active(&self, tenant: &str) -> u64 {
        let state = self.state();
        let own = state.active.values().filter(|active| active.tenant == tenant);
        own.count() as u64
    }

    /// Number of all strangers' jobs that have not ended.
    fn n_active_of_strangers(&self) -> u64 {
        let state = self.state();
        let of_strangers = state.active.values().filter(|active| is_stranger(&active.tenant));
        of_strangers.count() as u64
    }

    /// What the store has recorded of a tenant. One reading at a time: while the store hangs, only one keeps a thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recorded(&self, tenant: &str) -> Result<Recorded, StoreError> {
        let turn = Arc::clone(&self.reading).lock_owned().await;
        let (of, day) = (tenant.to_owned(), today());
        let read = move |store: &dyn JobStore| {
            // Until it is done, also if the caller waits for it no longer.
            let _turn = turn;
            Ok(Recorded {
                device_time: store.device_time(&of, day)?,
                record_bytes: store.record_bytes(&of)?,
            })
        };
        let recorded = self.with_store(read).await?;
        let unrecorded = self.state().day.unrecorded(tenant, day);
        Ok(Recorded {
            device_time: recorded.device_time.saturating_add(unrecorded),
            ..recorded
        })
    }

    /// Refuses a job of higher priority than its tenant may give it.
    ///
    /// # Errors
    /// [`SubmitError::Priority`].
    pub fn check_priority(&self, spec: &Spec, limits: &TenantLimits) -> Result<(), SubmitError> {
        match limits.max_priority {
            Some(most) if spec.priority > most => Err(SubmitError::Priority {
                asked: spec.priority,
                most,
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a job of a tenant that has reached one of its limits.
    pub(super) async fn check_tenant(
        &self,
        tenant: &str,
        spec: &Spec,
        limits: &TenantLimits,
    ) -> Result<(), SubmitError> {
        self.check_priority(spec, limits)?;
        allow(
            Quota::ActiveJobs,
            self.n_active(tenant),
            1,
            limits.max_active_jobs,
        )?;
        if let Some(together) = limits.together {
            let max = Some(together.max_active_jobs);
            allow(Quota::ActiveJobsOfStrangers, self.n_active_of_strangers(), 1, max)?;
        }
        let recorded = self.recorded(tenant).await?;
        // A proof takes room too.
        let stored = self
            .artifacts
            .usage(tenant)?
            .stored
            .saturating_add(recorded.record_bytes);
        allow(Quota::StoredBytes, stored, 1, limits.max_stored_bytes)?;
        if limits.max_device_seconds_per_day.is_some() {
            let max = limits.max_device_seconds_per_day;
            let used = recorded.device_time;
            allow(Quota::DeviceSeconds, used.as_secs(), 1, max)?;
            // Accepted jobs count before they run, or else a full queue would evade the limit.
            let time = used + self.planned(tenant);
            allow(Quota::PlannedDeviceSeconds, time.as_secs(), 1, max)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::ArtifactFolder;
    use crate::job::example;
    use crate::scheduler::{Active, testing};
    use crate::store::RedbStore;
    use quarry_client::protocol::{JobState, Limits, PhaseTime};

    #[tokio::test(flavor = "multi_thread")]
    async fn records_of_ended_jobs_count_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = testing::start(testing::settings(folder.path())).await;
        let mut spec = example("a").spec;
        spec.labels.insert("label".to_owned(), "x".repeat(5000));
        let submit = move |store: &dyn JobStore| store.submit("a", spec, None);
        let id = scheduler.with_store(submit).await.unwrap().job.id;
        let limits = TenantLimits {
            max_stored_bytes: Some(5000),
            ..TenantLimits::default()
        };
        let spec = example("a").spec;
        let check = async || scheduler.check_tenant("a", &spec, &limits).await;
        let Err(SubmitError::Quota(refused)) = check().await else {
            panic!("more than 5000 bytes are stored");
        };
        assert_eq!(refused.quota, Quota::StoredBytes);
        assert!(scheduler.check_tenant("b", &spec, &limits).await.is_ok());
        scheduler.cancel(&id).await.unwrap();
        assert!(check().await.is_err(), "its record is kept");
        scheduler.delete(&id).await.unwrap();
        assert!(check().await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_in_verification_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = testing::settings(folder.path());
        settings.limits = Limits {
            max_device_seconds: 3600,
            ..settings.limits
        };
        let store = RedbStore::open(&settings.store_file).unwrap();
        let artifacts = ArtifactFolder::open(&settings.artifacts, 0, 1 << 20).unwrap();
        let scheduler = Scheduler::start(settings, Arc::new(store), Arc::new(artifacts)).await;
        let scheduler = scheduler.unwrap();
        let phase = PhaseTime {
            time: Duration::from_secs(100).try_into().ok(),
            ..PhaseTime::default()
        };
        scheduler.pace.add("cpu", 1e9, &[phase]);
        for (id, state) in [("runs", JobState::Running), ("verifies", JobState::Verifying)] {
            let mut job = example("a");
            job.state = state;
            let active = Active::of(&job);
            scheduler.state().active.insert(id.to_owned(), active);
        }
        scheduler
            .count_device_time(0, "a", Duration::from_secs(100))
            .await;
        let refusal = async |max| {
            let limits = TenantLimits {
                max_device_seconds_per_day: Some(max),
                ..TenantLimits::default()
            };
            match scheduler.check_tenant("a", &example("a").spec, &limits).await {
                Ok(()) => None,
                Err(SubmitError::Quota(exceeded)) => Some((exceeded.quota, exceeded.used)),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(refusal(201).await, None);
        assert_eq!(
            refusal(200).await,
            Some((Quota::PlannedDeviceSeconds, 200)),
            "it may end sooner"
        );
        assert_eq!(
            refusal(100).await,
            Some((Quota::DeviceSeconds, 100)),
            "until tomorrow"
        );
    }
}
