//! Limits for each tenant. They have one place for all tenants, `[limits_per_tenant]`, and one for the tenant of a
//! client, `limits` in `[[clients]]`. All clients of a tenant share its use of them.

use super::{Client, Config};
use serde::{Deserialize, Serialize};

/// Default of [`TenantLimits::max_stored_bytes`].
const DEFAULT_MAX_STORED_BYTES: u64 = 256 << 30;
/// Default of [`TenantLimits::max_promised_bytes`], in files of the largest size.
const DEFAULT_MAX_PROMISED_FILES: u64 = 2;

/// Limits of a tenant. A limit that is nowhere set has a default if there are clients. Without clients there is one
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
}

impl TenantLimits {
    /// No limits.
    pub const NONE: Self = Self {
        max_stored_bytes: None,
        max_promised_bytes: None,
    };

    /// All limits, with those from `common` where this has none.
    fn over(self, common: Self) -> Self {
        Self {
            max_stored_bytes: self.max_stored_bytes.or(common.max_stored_bytes),
            max_promised_bytes: self.max_promised_bytes.or(common.max_promised_bytes),
        }
    }

    /// Limits of a tenant that is one of several.
    fn defaults(config: &Config) -> Self {
        Self {
            max_stored_bytes: Some(DEFAULT_MAX_STORED_BYTES),
            max_promised_bytes: Some(
                config
                    .artifacts
                    .max_bytes
                    .saturating_mul(DEFAULT_MAX_PROMISED_FILES),
            ),
        }
    }
}

impl Config {
    /// Limits that a client's calls are held to; those of every call if no clients are configured.
    pub fn tenant_limits(&self, client: Option<&Client>) -> TenantLimits {
        match client {
            Some(client) => client
                .limits
                .over(self.limits_per_tenant)
                .over(TenantLimits::defaults(self)),
            None => self.limits_per_tenant,
        }
    }
}
