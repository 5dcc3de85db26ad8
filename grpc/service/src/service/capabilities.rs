//! What the service can do, as it tells a client.

use super::api::Api;
use super::identity::Identity;
use quarry_client::protocol::{Capabilities, ProfileInfo};
use quarry_prover_core::cairo::layouts::{DYNAMIC, STATIC_LAYOUTS};
use quarry_prover_core::profiles::{PROFILES, Profile};
use tonic::Status;

impl Api {
    /// The capabilities as this client sees them.
    pub(super) async fn capabilities(&self, who: &Identity) -> Result<Capabilities, Status> {
        let settings = self.scheduler.settings();
        let layouts = STATIC_LAYOUTS.iter().map(|layout| layout.name);
        let profile = |profile: &Profile| ProfileInfo {
            name: profile.name.to_owned(),
            purpose: profile.purpose.to_owned(),
        };
        Ok(Capabilities {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            devices: self.scheduler.devices_for(|tenant| who.covers(tenant)),
            layouts: layouts.chain([DYNAMIC]).map(str::to_owned).collect(),
            profiles: PROFILES.iter().map(profile).collect(),
            limits: Some(self.scheduler.max_limits()),
            max_artifact_bytes: self.artifact_limits.max_bytes,
            max_queued_jobs: u32::try_from(settings.max_queued_jobs).unwrap_or(u32::MAX),
            paused: self.scheduler.paused(),
            tenant: Some(self.tenant(who).await?),
            signing: self.signing.as_ref().map(|own| own.told(self.admission)),
        })
    }
}
