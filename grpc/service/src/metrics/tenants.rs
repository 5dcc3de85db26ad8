//! Figures of each tenant. The number of label values is bounded, whatever tenants the configuration names over time.

use super::Register;
use super::labels::{OfTenant, OfTenantEnded};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use quarry_client::protocol::JobState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Tenants with figures of their own; those that are seen later count as [`OTHER`].
const MAX_TENANTS: usize = 100;
/// Label of all further tenants.
const OTHER: &str = "other";

/// Jobs of a tenant that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantLoad {
    /// Waiting jobs, including those whose input is read.
    pub waiting: usize,
    /// Jobs on devices or in verification.
    pub proving: usize,
}

/// Metrics of tenants.
pub(super) struct TenantMetrics {
    /// Most tenants with figures of their own.
    max: usize,
    /// The values of the label.
    known: Mutex<BTreeSet<String>>,
    ended: Family<OfTenantEnded, Counter>,
    device_time: Family<OfTenant, Counter<f64, AtomicU64>>,
    waiting: Family<OfTenant, Gauge>,
    proving: Family<OfTenant, Gauge>,
}

impl TenantMetrics {
    /// Registers the metrics.
    pub(super) fn register(r: &mut Register, names_tenants: bool) -> Self {
        Self {
            max: if names_tenants { MAX_TENANTS } else { 0 },
            known: Mutex::default(),
            ended: r.add(
                "tenant_jobs_ended",
                "Jobs of the tenant that have ended",
                Family::default(),
            ),
            device_time: r.of_unit(
                "tenant_device",
                Unit::Seconds,
                "Time that devices spent on jobs of the tenant",
                Family::default(),
            ),
            waiting: r.add(
                "tenant_jobs_waiting",
                "Waiting jobs of the tenant",
                Family::default(),
            ),
            proving: r.add(
                "tenant_jobs_proving",
                "Jobs of the tenant on devices or in verification",
                Family::default(),
            ),
        }
    }

    /// Counts a job that has ended.
    pub(super) fn job_ended(&self, tenant: &str, state: JobState) {
        let tenant = self.label(tenant);
        self.ended.get_or_create(&of_ended(&tenant, state)).inc();
    }

    /// Adds the time that a device spent on a job.
    pub(super) fn used_device(&self, tenant: &str, time: Duration) {
        let tenant = self.label(tenant);
        self.device_time
            .get_or_create(&OfTenant { tenant })
            .inc_by(time.as_secs_f64());
    }

    /// Sets the present load. Tenants that it does not name have no jobs.
    pub(super) fn set_loads(&self, loads: &BTreeMap<String, TenantLoad>) {
        let mut sums: BTreeMap<String, TenantLoad> = BTreeMap::new();
        for (tenant, load) in loads {
            let sum = sums.entry(self.label(tenant)).or_default();
            sum.waiting += load.waiting;
            sum.proving += load.proving;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for tenant in &*known {
            let load = sums.get(tenant).copied().unwrap_or_default();
            let tenant = OfTenant {
                tenant: tenant.clone(),
            };
            self.waiting.get_or_create(&tenant).set(load.waiting as i64);
            self.proving.get_or_create(&tenant).set(load.proving as i64);
        }
    }

    /// The label of a tenant. A new one begins at zero.
    fn label(&self, tenant: &str) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = match known.contains(tenant) || known.len() < self.max {
            true => tenant,
            false => OTHER,
        };
        if known.insert(tenant.to_owned()) {
            for state in super::ended_states() {
                drop(self.ended.get_or_create(&of_ended(tenant, state)));
            }
            let tenant = OfTenant {
                tenant: tenant.to_owned(),
            };
            drop(self.device_time.get_or_create(&tenant));
        }
        tenant.to_owned()
    }
}

fn of_ended(tenant: &str, state: JobState) -> OfTenantEnded {
    OfTenantEnded {
        tenant: tenant.to_owned(),
        state: state.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Load, Metrics};

    #[test]
    fn tenants_may_have_no_names() {
        let metrics = Metrics::new(false);
        metrics.job_ended("secret", JobState::Succeeded, None, None);
        let load = BTreeMap::from([("secret".to_owned(), TenantLoad::default())]);
        let page = metrics.page(&Load::default(), &load, true);
        let counted = "quarry_tenant_jobs_ended_total{tenant=\"other\",state=\"succeeded\"} 1\n";
        assert!(page.contains(counted) && !page.contains("secret"), "{page}");
    }

    #[test]
    fn tenants_have_figures_of_their_own_up_to_a_bound() {
        let metrics = Metrics::new(true);
        let page = |loads: &[(&str, usize)]| {
            let loads = loads.iter().map(|(tenant, waiting)| {
                let load = TenantLoad {
                    waiting: *waiting,
                    proving: 1,
                };
                ((*tenant).to_owned(), load)
            });
            metrics.page(&Load::default(), &loads.collect(), true)
        };
        let has = |page: &str, line: &str| assert!(page.lines().any(|found| found == line), "{line}: {page}");
        metrics.job_ended("a", JobState::Succeeded, None, None);
        metrics.was_busy("cpu", "a", Duration::from_millis(1500));
        let said = page(&[("a", 3), ("quote\"\n", 1)]);
        for line in [
            "quarry_tenant_jobs_ended_total{tenant=\"a\",state=\"succeeded\"} 1",
            "quarry_tenant_jobs_ended_total{tenant=\"a\",state=\"failed\"} 0",
            "quarry_tenant_device_seconds_total{tenant=\"a\"} 1.5",
            "quarry_tenant_jobs_waiting{tenant=\"a\"} 3",
            "quarry_tenant_jobs_proving{tenant=\"quote\\\"\\n\"} 1",
        ] {
            has(&said, line);
        }
        // A tenant without jobs keeps its figures, at zero.
        has(&page(&[]), "quarry_tenant_jobs_waiting{tenant=\"a\"} 0");
        for n in 0..3 * MAX_TENANTS {
            metrics.job_ended(&format!("tenant {n}"), JobState::Failed, None, None);
        }
        let said = page(&[("a", 1), ("unknown 1", 2), ("unknown 2", 3)]);
        has(&said, "quarry_tenant_jobs_waiting{tenant=\"other\"} 5");
        has(&said, "quarry_tenant_jobs_waiting{tenant=\"a\"} 1");
        let n_others = 3 * MAX_TENANTS - (MAX_TENANTS - 2);
        has(
            &said,
            &format!("quarry_tenant_jobs_ended_total{{tenant=\"other\",state=\"failed\"}} {n_others}"),
        );
        let n_values = said
            .lines()
            .filter(|line| line.starts_with("quarry_tenant_jobs_waiting{"))
            .count();
        assert_eq!(n_values, MAX_TENANTS + 1);
    }
}
