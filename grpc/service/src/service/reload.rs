//! Reads the configuration file again while the service runs: at SIGHUP, and when an operator asks for it.

use super::identity::{Reloadable, authenticator};
use super::rates::Limiter;
use super::sessions::Sessions;
use super::tls::{self, ServerTls};
use crate::config::{Admission, Config, ConfigError, Source};
use crate::log::non_empty;
use crate::scheduler::Scheduler;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use toml::{Table, Value};

/// Parts of the configuration that take effect at a reload. All others need a restart.
const RELOADED: [&str; 7] = [
    "clients",
    "limits",
    "limits_per_tenant",
    "rates",
    "strangers",
    "sequencer_keys",
    "tls",
];

/// The parts of the running service that a reload changes.
pub struct Reloader {
    /// The configuration file, and what it said at the start; `None` if the service was started without one.
    pub file: Option<Source>,
    /// The configuration in effect.
    pub running: Mutex<Config>,
    /// Known clients of the public API.
    pub clients: Arc<Reloadable>,
    /// Sessions of clients that are known by their key.
    pub sessions: Arc<Sessions>,
    /// Rate limits of addresses.
    pub addresses: Arc<Limiter>,
    /// TLS of gRPC, if configured.
    pub tls: Option<Arc<ServerTls>>,
    /// The scheduler, which has the limits of jobs.
    pub scheduler: Arc<Scheduler>,
}

/// What came of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// Number of clients that are now known.
    pub n_clients: usize,
    /// Keys whose new values, or the new contents of whose files, are now in effect.
    pub changed: Vec<String>,
    /// Keys that the file has changed since the start, but that need a restart.
    pub needs_restart: Vec<String>,
}

impl Reloader {
    /// Reloads, and logs what came of it. What is refused changes nothing.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub async fn reload(self: &Arc<Self>) -> Result<Reloaded, ConfigError> {
        let reloader = Arc::clone(self);
        let reloaded = tokio::task::spawn_blocking(move || reloader.apply()).await;
        let reloaded = reloaded.unwrap_or_else(|error| Err(ConfigError::Refused(error.to_string())));
        match &reloaded {
            Ok(reloaded) => {
                let keys = [&reloaded.changed, &reloaded.needs_restart].map(|keys| keys.join(", "));
                tracing::info!(
                    n_clients = reloaded.n_clients,
                    changed = non_empty(&keys[0]),
                    needs_restart = non_empty(&keys[1]),
                    "reloaded the configuration"
                );
            }
            Err(why) => tracing::error!(%why, "the reload was refused: nothing has changed"),
        }
        reloaded
    }

    /// Reloads whenever it is told to, forever.
    pub async fn reload_when(self: Arc<Self>, told: Arc<Notify>) {
        loop {
            told.notified().await;
            // The log has the outcome.
            let _ = self.reload().await;
        }
    }

    fn apply(&self) -> Result<Reloaded, ConfigError> {
        let refuse = |why: &str| Err(ConfigError::Refused(why.to_owned()));
        let Some(Source {
            path,
            config: at_start,
        }) = &self.file
        else {
            return refuse("the service was started without a configuration file");
        };
        // What was a pipe at the start says nothing, or not all, when it is read again.
        if path.exists() && !path.is_file() {
            return refuse("the configuration is not a regular file: restart to change it");
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let file = Config::read(path)?;
        let next = merged(&running, &file);
        next.check()?;
        // An empty client list gives everyone full access. A file that was cut off must not cause that.
        if next.admission() == Admission::Devnet && running.admission() != Admission::Devnet {
            return refuse(
                "the file lists no clients, which would give everyone full access: restart to confirm that",
            );
        }
        let clients = authenticator(&next, &self.sessions)?;
        let sequencer_keys = next.sequencer_keys()?;
        let loaded = next.tls.as_ref().map(tls::load).transpose()?;
        let mut changed = differing(&running, &next)?;
        let needs_restart = differing(at_start, &file)?
            .into_iter()
            .filter(|key| !takes_effect(key, &running, &file));
        let reloaded = Reloaded {
            n_clients: next.clients.len(),
            needs_restart: needs_restart.collect(),
            changed: Vec::new(),
        };
        // From here on nothing is refused.
        if let (Some(tls), Some(loaded)) = (&self.tls, loaded) {
            self.scheduler.metrics().certificates(&loaded.expiries);
            changed.extend(tls.set(loaded).into_iter().map(str::to_owned));
        }
        if running.rates != next.rates {
            self.addresses.set(&next.rates);
        }
        self.scheduler.set_max_limits(next.limits.into());
        self.scheduler.set_day_limits(next.day_limits());
        self.scheduler.set_sequencer_keys(sequencer_keys);
        self.clients.set(clients);
        warn_of_tenants(&next);
        *running = next;
        Ok(Reloaded {
            changed: changed.into_iter().collect(),
            ..reloaded
        })
    }
}

/// Warns of tenants that can keep others out.
pub fn warn_of_tenants(config: &Config) {
    for tenant in config.tenants_that_fill_the_queue() {
        tracing::warn!(
            tenant,
            max_queued_jobs = config.max_queued_jobs,
            "the tenant's max_active_jobs lets it fill the queue, so that no other tenant can submit"
        );
    }
}

/// The running configuration with what a reload takes from the file. TLS is neither switched on nor off.
fn merged(running: &Config, file: &Config) -> Config {
    Config {
        clients: file.clients.clone(),
        limits: file.limits,
        limits_per_tenant: file.limits_per_tenant,
        rates: file.rates,
        strangers: file.strangers,
        sequencer_keys: file.sequencer_keys.clone(),
        tls: running
            .tls
            .as_ref()
            .and(file.tls.as_ref())
            .or(running.tls.as_ref())
            .cloned(),
        ..running.clone()
    }
}

/// Whether a reload takes a key from the file.
fn takes_effect(key: &str, running: &Config, file: &Config) -> bool {
    let part = key.split('.').next().unwrap_or(key);
    RELOADED.contains(&part) && (part != "tls" || running.tls.is_some() == file.tls.is_some())
}

/// Keys whose values differ between two configurations.
fn differing(one: &Config, other: &Config) -> Result<BTreeSet<String>, ConfigError> {
    let (one, other) = (flat(one)?, flat(other)?);
    let keys = one.keys().chain(other.keys());
    Ok(keys
        .filter(|key| one.get(*key) != other.get(*key))
        .cloned()
        .collect())
}

/// The values of a configuration by their keys: `limits.max_steps`.
fn flat(config: &Config) -> Result<BTreeMap<String, Value>, ConfigError> {
    let table = Table::try_from(config).map_err(|why| ConfigError::Refused(why.to_string()))?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(part) => values.extend(
                part.into_iter()
                    .map(|(inner, value)| (format!("{key}.{inner}"), value)),
            ),
            value => drop(values.insert(key, value)),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn keys_that_differ_are_named() {
        let one = config(
            "drain_seconds = 5\n[limits]\nmax_steps = 1024\n[rates]\ncalls = { per_second = 1, burst = 2 }",
        );
        let other =
            config("max_attempts = 7\n[limits]\nmax_steps = 2048\n[tls]\ncertificate = \"a\"\nkey = \"b\"");
        let keys: Vec<_> = differing(&one, &other).unwrap().into_iter().collect();
        let expected = [
            "drain_seconds",
            "limits.max_steps",
            "max_attempts",
            "rates.calls",
            "tls.certificate",
            "tls.key",
        ];
        assert_eq!(keys, expected);
        assert!(differing(&one, &one).unwrap().is_empty());
    }

    #[test]
    fn a_reload_takes_only_what_it_may() {
        let tls = "[tls]\ncertificate = \"a\"\nkey = \"b\"\n";
        let running = config("listen = \"127.0.0.1:1\"");
        let file = config(&format!(
            "listen = \"127.0.0.1:2\"\n[limits]\nmax_steps = 9\n{tls}"
        ));
        let next = merged(&running, &file);
        assert_eq!((next.listen, next.limits), (running.listen, file.limits));
        assert_eq!(next.tls, None, "TLS is not switched on");
        let needs_restart: Vec<_> = differing(&running, &file)
            .unwrap()
            .into_iter()
            .filter(|key| !takes_effect(key, &running, &file))
            .collect();
        assert_eq!(needs_restart, ["listen", "tls.certificate", "tls.key"]);
        let secure = merged(&file, &config(&tls.replace("\"a\"", "\"c\"")));
        assert_eq!(secure.tls.unwrap().certificate, PathBuf::from("c"));
        assert_eq!(merged(&file, &running).tls, file.tls, "nor off");
    }
}
