//! Who may submit jobs, and for whom and with which key the service signs.

use super::{Config, ConfigError, OwnRates, Rate, Rates, TenantLimits, Together};
use quarry_client::envelope::{PublicKey, is_network};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Who may submit jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Everyone, without credentials.
    Devnet,
    /// The clients in `[[clients]]`.
    Permissioned,
    /// These, and every key within the limits of `[strangers]`.
    Public,
}

impl Admission {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Devnet => "devnet",
            Self::Permissioned => "permissioned",
            Self::Public => "public",
        }
    }
}

/// How the service takes part in signed messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// Name of the network, which messages to the service must name.
    pub network: String,
    /// File of the secret key with which the service signs.
    pub key: PathBuf,
}

/// Limits of keys that are not known: each is a tenant of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Strangers {
    /// Limits of each key.
    pub limits: TenantLimits,
    /// Rate limits of each key.
    pub rates: OwnRates,
    /// Jobs of all these keys together that have not ended. Keys cost nothing: limits of each do not limit all.
    pub max_active_jobs: u64,
    /// Bytes of the files of all these keys together.
    pub max_stored_bytes: u64,
}

impl Default for Strangers {
    fn default() -> Self {
        let rate = |per_second, burst| {
            Some(Rate {
                per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
                burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
            })
        };
        Self {
            limits: TenantLimits {
                max_stored_bytes: Some(4 << 30),
                max_promised_bytes: Some(4 << 30),
                max_active_jobs: Some(2),
                max_estimates: Some(1),
                max_priority: Some(0),
                max_device_seconds_per_day: Some(3600),
                together: None,
            },
            rates: OwnRates {
                calls: rate(20, 200),
                submissions: rate(1, 10),
            },
            max_active_jobs: 64,
            max_stored_bytes: 64 << 30,
        }
    }
}

impl Strangers {
    /// Limits of a key: those that are set, and the defaults of strangers for all others.
    pub fn limits(&self) -> TenantLimits {
        let together = Some(Together {
            max_active_jobs: self.max_active_jobs,
            max_stored_bytes: self.max_stored_bytes,
        });
        let limits = self.limits.over(Self::default().limits);
        TenantLimits { together, ..limits }
    }

    /// Rate limits of a key.
    pub fn rates(&self, common: &Rates) -> Rates {
        let default = Self::default().rates;
        let own = OwnRates {
            calls: self.rates.calls.or(default.calls),
            submissions: self.rates.submissions.or(default.submissions),
        };
        own.over(common)
    }
}

/// The tenant of a key that is not a known client's.
pub fn tenant_of(key: &PublicKey) -> String {
    key.to_string()
}

/// Whose turns a tenant's are: all strangers share theirs, or else many keys would get many turns.
pub fn lane_of(tenant: &str) -> &str {
    match is_stranger(tenant) {
        true => "strangers' keys",
        false => tenant,
    }
}

/// Whether a tenant is a key that is not a known client's.
pub fn is_stranger(tenant: &str) -> bool {
    tenant.parse::<PublicKey>().is_ok()
}

impl Config {
    /// Who may submit: what `admission` says, or else the known clients if there are any, or else everyone.
    pub fn admission(&self) -> Admission {
        let default = match self.clients.is_empty() {
            true => Admission::Devnet,
            false => Admission::Permissioned,
        };
        self.admission.unwrap_or(default)
    }

    /// Rejects settings of admission that contradict each other.
    ///
    /// # Errors
    /// [`ConfigError::Refused`].
    pub(super) fn check_admission(&self) -> Result<(), ConfigError> {
        let refuse = |why: &str| Err(ConfigError::Refused(why.to_owned()));
        match (self.admission(), self.clients.is_empty()) {
            (Admission::Devnet, false) => {
                return refuse("admission: devnet admits everyone, so it goes with no clients");
            }
            (Admission::Permissioned, true) => {
                return refuse("admission: permissioned admits clients, and none are listed in [[clients]]");
            }
            (Admission::Public, _) if self.signing.is_none() => {
                return refuse("admission: public knows clients by their keys, so it needs [signing]");
            }
            _ => {}
        }
        if self
            .signing
            .as_ref()
            .is_some_and(|signing| !is_network(&signing.network))
        {
            return refuse("signing.network: 1 to 64 of A-Z a-z 0-9 _ . -");
        }
        for client in &self.clients {
            if is_stranger(&client.tenant) {
                return refuse(
                    "clients: a tenant may not have the form of a public key: those are of strangers",
                );
            }
            if client.sha256.is_empty() == client.key.is_none() {
                return refuse("clients: each has either sha256, of a token or certificate, or key");
            }
            let Some(key) = &client.key else {
                continue;
            };
            if self.signing.is_none() {
                return refuse("clients: a client with a key needs [signing]");
            }
            let key = key.parse::<PublicKey>().and_then(|key| key.check());
            if let Err(why) = key {
                return refuse(&format!("clients: key: {why}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ed25519:ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    const SIGNING: &str = "[signing]\nnetwork = \"devnet\"\nkey = \"prover.key\"\n";

    fn client(credential: &str) -> String {
        format!("[[clients]]\n{credential}\ntenant = \"a\"\nroles = [\"submit\"]\n")
    }

    fn refused(text: &str) -> Option<String> {
        let config: Config = toml::from_str(text).unwrap();
        config.check().err().map(|why| why.to_string())
    }

    #[test]
    fn admission_follows_from_the_clients_unless_it_is_said() {
        let admission = |text: &str| toml::from_str::<Config>(text).unwrap().admission();
        assert_eq!(admission(""), Admission::Devnet);
        let listed = client(&format!("key = \"{KEY}\""));
        assert_eq!(admission(&listed), Admission::Permissioned);
        assert_eq!(
            admission(&format!("admission = \"public\"\n{listed}")),
            Admission::Public
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let listed = client(&format!("key = \"{KEY}\""));
        let token = client("sha256 = \"00\"");
        let weak = client(&format!("key = \"ed25519:01{}\"", "0".repeat(62)));
        for (text, expected) in [
            (format!("admission = \"devnet\"\n{token}"), Some("no clients")),
            ("admission = \"permissioned\"".to_owned(), Some("none are listed")),
            ("admission = \"public\"".to_owned(), Some("needs [signing]")),
            (listed.clone(), Some("needs [signing]")),
            (format!("{SIGNING}{listed}"), None),
            (format!("admission = \"public\"\n{SIGNING}"), None),
            (format!("{SIGNING}{}", client("")), Some("either sha256")),
            (
                format!(
                    "{SIGNING}{}",
                    client(&format!("sha256 = \"00\"\nkey = \"{KEY}\""))
                ),
                Some("either sha256"),
            ),
            (
                format!("{SIGNING}{}", client("key = \"ed25519:00\"")),
                Some("64 lower-case"),
            ),
            (format!("{SIGNING}{weak}"), Some("weak")),
            (SIGNING.replace("devnet", "dev net"), Some("signing.network")),
            (
                token.replace("\"a\"", &format!("\"{KEY}\"")),
                Some("form of a public key"),
            ),
        ] {
            let why = refused(&text);
            match expected {
                None => assert_eq!(why, None, "{text}"),
                Some(part) => assert!(
                    why.as_ref().is_some_and(|why| why.contains(part)),
                    "{text}: {why:?}"
                ),
            }
        }
    }

    #[test]
    fn limits_that_are_not_set_stay_small() {
        let text = format!("admission = \"public\"\n{SIGNING}[strangers.limits]\nmax_active_jobs = 7\n");
        let config: Config = toml::from_str(&text).unwrap();
        let limits = config.strangers.limits();
        assert_eq!((limits.max_active_jobs, limits.max_estimates), (Some(7), Some(1)));
        let rates = config.strangers.rates(&config.rates);
        assert_eq!(rates.submissions.per_second.get(), 1);
        assert_eq!(rates.failures, config.rates.failures);
    }

    #[test]
    fn strangers_are_told_from_tenants() {
        let key: PublicKey = KEY.parse().unwrap();
        assert!(is_stranger(&tenant_of(&key)));
        assert_eq!(lane_of(KEY), lane_of(&KEY.replace('a', "b")));
        for tenant in ["", "a", "ed25519:", "stark"] {
            assert!(!is_stranger(tenant));
            assert_eq!(lane_of(tenant), tenant);
        }
    }
}
