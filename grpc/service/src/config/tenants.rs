//! Limits for each tenant. They have one place for all tenants, `[limits_per_tenant]`, and one for the tenant of a
//! client, `limits` in `[[clients]]`. All clients of a tenant share its use of them.

use super::{Admission, Client, Config, ConfigError, is_stranger};
use crate::artifacts::disk_size;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// Default of [`TenantLimits::max_stored_bytes`], unless the tenant's part of half of the disk is less.
const DEFAULT_MAX_STORED_BYTES: u64 = 256 << 30;
/// Default of [`TenantLimits::max_promised_bytes`], in files of the largest size.
const DEFAULT_MAX_PROMISED_FILES: u64 = 2;
/// Default of [`TenantLimits::max_active_jobs`]: this part of the queue.
const DEFAULT_QUEUE_SHARE: u64 = 5;
/// Default of [`TenantLimits::max_estimates`].
const DEFAULT_MAX_ESTIMATES: u64 = 4;
/// Default of [`TenantLimits::max_priority`]. A tenant with more would go before all others whenever it likes.
const DEFAULT_MAX_PRIORITY: i32 = 0;

/// Limits of a tenant. A limit that is nowhere set has its default if there are clients. Without clients there is one
/// tenant, which owns the machine: it has no limits but those that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantLimits {
    /// Bytes of its files: inputs, statements and proofs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stored_bytes: Option<u64>,
    /// Bytes that its open uploads may still send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_promised_bytes: Option<u64>,
    /// Its jobs that have not ended: queued and running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_active_jobs: Option<u64>,
    /// Estimates that it asks for at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_estimates: Option<u64>,
    /// Highest priority of its jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_priority: Option<i32>,
    /// Time that its jobs take devices on a day (UTC), whatever becomes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_device_seconds_per_day: Option<u64>,
    /// Limits that it shares with all other strangers, if it is one.
    #[serde(skip)]
    pub together: Option<Together>,
}

/// Limits of all keys together that are not known clients'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// Their jobs that have not ended.
    pub max_active_jobs: u64,
    /// Bytes of their files.
    pub max_stored_bytes: u64,
}

impl TenantLimits {
    /// All limits, with those from `common` where this has none.
    pub(super) fn over(self, common: Self) -> Self {
        Self {
            max_stored_bytes: self.max_stored_bytes.or(common.max_stored_bytes),
            max_promised_bytes: self.max_promised_bytes.or(common.max_promised_bytes),
            max_active_jobs: self.max_active_jobs.or(common.max_active_jobs),
            max_estimates: self.max_estimates.or(common.max_estimates),
            max_priority: self.max_priority.or(common.max_priority),
            max_device_seconds_per_day: self
                .max_device_seconds_per_day
                .or(common.max_device_seconds_per_day),
            together: self.together.or(common.together),
        }
    }

    /// Limits of a tenant that is one of several, on a disk of so many bytes.
    fn defaults(config: &Config, disk: u64) -> Self {
        Self {
            // All together fill half of the disk.
            max_stored_bytes: Some(DEFAULT_MAX_STORED_BYTES.min(disk / 2 / n_tenants(config))),
            max_promised_bytes: Some(
                config
                    .artifacts
                    .max_bytes
                    .saturating_mul(DEFAULT_MAX_PROMISED_FILES),
            ),
            max_active_jobs: Some((u64::from(config.max_queued_jobs) / DEFAULT_QUEUE_SHARE).max(1)),
            max_estimates: Some(DEFAULT_MAX_ESTIMATES),
            max_priority: Some(DEFAULT_MAX_PRIORITY),
            // Tenants take turns. Who finds the devices idle may use them all day.
            max_device_seconds_per_day: None,
            together: None,
        }
    }
}

/// Device seconds that each tenant may use on a day (UTC). Jobs are held to them whatever client submitted them: of the
/// limits of a tenant's clients the highest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayLimits {
    /// Of the tenants that clients belong to; `None` for no limit.
    by_tenant: HashMap<String, Option<u64>>,
    /// Of keys that are not known clients'.
    strangers: Option<u64>,
    /// Of all others.
    others: Option<u64>,
}

impl DayLimits {
    /// The limit of a tenant.
    pub fn of(&self, tenant: &str) -> Option<u64> {
        match self.by_tenant.get(tenant) {
            Some(limit) => *limit,
            None if is_stranger(tenant) => self.strangers,
            None => self.others,
        }
    }

    /// Whether no tenant has a limit.
    pub fn is_empty(&self) -> bool {
        self.others.is_none() && self.strangers.is_none() && self.by_tenant.values().all(Option::is_none)
    }
}

/// Number of tenants that clients belong to, at least one.
fn n_tenants(config: &Config) -> u64 {
    let tenants: BTreeSet<_> = config.clients.iter().map(|client| &client.tenant).collect();
    tenants.len().max(1) as u64
}

impl Client {
    /// The limits that it states, the older key for one of them included.
    fn own_limits(&self) -> TenantLimits {
        TenantLimits {
            max_active_jobs: self.limits.max_active_jobs.or(self.max_active_jobs),
            ..self.limits
        }
    }
}

impl Config {
    /// Limits that a client's calls are held to; those of every call if no clients are configured. The defaults depend
    /// on the disk of the artifacts.
    pub fn tenant_limits(&self, client: Option<&Client>) -> TenantLimits {
        let disk = || disk_size(&self.data.join("artifacts")).unwrap_or(u64::MAX);
        match client {
            Some(client) => client
                .own_limits()
                .over(self.limits_per_tenant)
                .over(TenantLimits::defaults(self, disk())),
            None => self.limits_per_tenant,
        }
    }

    /// Tenants that may fill the queue, so that no other tenant can submit.
    pub fn tenants_that_fill_the_queue(&self) -> BTreeSet<&str> {
        if n_tenants(self) < 2 {
            return BTreeSet::new();
        }
        let fills = |client: &&Client| {
            let most = self.tenant_limits(Some(client)).max_active_jobs;
            most.is_none_or(|most| most >= u64::from(self.max_queued_jobs))
        };
        let fillers = self.clients.iter().filter(fills);
        fillers.map(|client| &*client.tenant).collect()
    }

    /// Device seconds that each tenant may use on a day.
    pub fn day_limits(&self) -> DayLimits {
        let common = self.limits_per_tenant;
        let mut by_tenant = HashMap::new();
        for client in &self.clients {
            let own = client.own_limits().over(common).max_device_seconds_per_day;
            let limit = by_tenant.entry(client.tenant.clone()).or_insert(own);
            *limit = (*limit).zip(own).map(|(one, other)| one.max(other));
        }
        DayLimits {
            by_tenant,
            strangers: match self.admission() {
                Admission::Public => self.strangers.limits().max_device_seconds_per_day,
                Admission::Devnet | Admission::Permissioned => None,
            },
            others: common.max_device_seconds_per_day,
        }
    }

    /// Rejects limits that contradict each other, or that no job can have.
    ///
    /// # Errors
    /// [`ConfigError::Refused`].
    pub(super) fn check_tenant_limits(&self) -> Result<(), ConfigError> {
        let refuse = |why: &str| Err(ConfigError::Refused(why.to_owned()));
        let is_double =
            |client: &Client| client.max_active_jobs.is_some() && client.limits.max_active_jobs.is_some();
        if self.clients.iter().any(is_double) {
            return refuse(
                "clients: max_active_jobs is the older name of limits.max_active_jobs: set only one",
            );
        }
        let mut limits = self
            .clients
            .iter()
            .map(|client| client.limits)
            .chain([self.limits_per_tenant]);
        if limits.any(|limits| {
            limits
                .max_priority
                .is_some_and(|most| !(-100..=100).contains(&most))
        }) {
            return refuse("max_priority: from -100 to 100");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn client(more: &str) -> String {
        format!("[[clients]]\nsha256 = \"00\"\ntenant = \"a\"\nroles = []\n{more}\n")
    }

    #[test]
    fn a_limit_comes_from_the_client_or_else_for_all_or_else_by_default() {
        let text = "[limits_per_tenant]\nmax_estimates = 9\nmax_priority = -5\n".to_owned()
            + &client("limits.max_priority = 7")
            + &client("max_active_jobs = 3");
        let config = config(&text);
        config.check_tenant_limits().unwrap();
        let limits: Vec<_> = config
            .clients
            .iter()
            .map(|client| config.tenant_limits(Some(client)))
            .collect();
        assert_eq!(
            (limits[0].max_priority, limits[1].max_priority),
            (Some(7), Some(-5))
        );
        assert_eq!(limits[0].max_estimates, Some(9));
        assert_eq!(limits[0].max_active_jobs, Some(2000), "a fifth of the queue");
        assert_eq!(limits[1].max_active_jobs, Some(3), "the older key");
        assert_eq!(limits[0].max_device_seconds_per_day, None);
        assert_eq!(limits[0].max_promised_bytes, Some(32 << 30));
        let tenants = self::config(&client(""));
        let limits = tenants.tenant_limits(tenants.clients.first());
        assert_eq!(limits.max_priority, Some(0), "no tenant goes before all others");
        let stored = |disk| TenantLimits::defaults(&tenants, disk).max_stored_bytes;
        assert_eq!(stored(64 << 30), Some(32 << 30), "no tenant fills the disk");
        assert_eq!(stored(u64::MAX), Some(DEFAULT_MAX_STORED_BYTES));
        let other = client("").replace("\"a\"", "\"b\"");
        let two = self::config(&[client(""), client(""), other].concat());
        let stored = TenantLimits::defaults(&two, 64 << 30).max_stored_bytes;
        assert_eq!(stored, Some(16 << 30), "nor do two");
    }

    #[test]
    fn who_may_fill_the_queue_is_known() {
        let fillers = |queue: u64, limits: &[&str]| {
            let names = ["a", "b"].into_iter();
            let clients = names.zip(limits).map(|(name, limits)| {
                let own = if limits.is_empty() {
                    ""
                } else {
                    "limits.max_active_jobs = "
                };
                client(&format!("{own}{limits}")).replace("\"a\"", &format!("{name:?}"))
            });
            let text = format!("max_queued_jobs = {queue}\n") + &clients.collect::<String>();
            let config = config(&text);
            let fillers = config.tenants_that_fill_the_queue().into_iter();
            fillers.map(str::to_owned).collect::<Vec<_>>().concat()
        };
        assert_eq!(fillers(60, &["", ""]), "", "by default no tenant");
        assert_eq!(fillers(60, &["60", "59"]), "a");
        assert_eq!(fillers(1, &["", ""]), "ab");
        assert_eq!(fillers(60, &["60"]), "", "there is no other tenant");
    }

    #[test]
    fn of_several_limits_of_a_day_the_highest_counts() {
        let day = |seconds| format!("limits.max_device_seconds_per_day = {seconds}");
        let text = "[limits_per_tenant]\nmax_device_seconds_per_day = 5\n".to_owned();
        let limits = |clients: &[&str]| config(&(text.clone() + &clients.concat())).day_limits();
        let two = limits(&[&client(&day(7)), &client(&day(3))]);
        assert_eq!((two.of("a"), two.of("gone")), (Some(7), Some(5)));
        assert_eq!(limits(&[&client(&day(3)), &client("")]).of("a"), Some(5));
        let unlimited = config(&[client(&day(3)), client("")].concat()).day_limits();
        assert_eq!(unlimited.of("a"), None, "one of its clients has no limit");
        assert!(unlimited.is_empty() && !two.is_empty());
    }

    #[test]
    fn who_owns_the_machine_has_only_the_limits_that_were_set() {
        assert_eq!(Config::default().tenant_limits(None), TenantLimits::default());
        let stated = config("[limits_per_tenant]\nmax_active_jobs = 2").tenant_limits(None);
        assert_eq!(stated.max_active_jobs, Some(2));
        assert_eq!(stated.max_stored_bytes, None);
    }

    #[test]
    fn contradictions_are_refused() {
        for text in [
            client("max_active_jobs = 1\nlimits.max_active_jobs = 1"),
            client("limits.max_priority = 101"),
            "[limits_per_tenant]\nmax_priority = -101".to_owned(),
        ] {
            assert!(config(&text).check().is_err(), "{text}");
        }
        assert!(toml::from_str::<Config>(&client("limits.max_steps = 1")).is_err());
    }
}
