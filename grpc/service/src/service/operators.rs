//! The admin API.

use super::reload::Reloader;
use super::status::{of_reprove, of_store};
use crate::artifacts::Artifacts;
use crate::check::{Checked, check};
use crate::log::seconds;
use crate::scheduler::Scheduler;
use crate::store::Compacted;
use quarry_client::admin::admin_server::Admin;
use quarry_client::admin::{
    BackUpRequest, BackUpResponse, CheckRequest, CheckResponse, CompactRequest, CompactResponse,
    DrainRequest, GetStatusRequest, PauseRequest, ReloadClientsRequest, ReloadClientsResponse,
    ReproveRequest, ReproveResponse, ResumeRequest, Status as Standing,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// Implementation of the admin API.
pub struct AdminApi {
    /// The scheduler to control.
    pub scheduler: Arc<Scheduler>,
    /// The artifacts.
    pub artifacts: Arc<dyn Artifacts>,
    /// Folder of the artifacts.
    pub folder: PathBuf,
    /// Reloads the configuration.
    pub reloader: Arc<Reloader>,
    /// Notified to start draining.
    pub drain: Arc<Notify>,
}

impl AdminApi {
    fn standing(&self) -> Response<Standing> {
        let load = self.scheduler.load();
        Response::new(Standing {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            devices: self.scheduler.devices(),
            waiting: load.waiting as u64,
            proving: load.proving as u64,
            oldest_seconds: load.oldest.as_secs(),
            paused: self.scheduler.paused(),
            draining: self.scheduler.is_draining(),
            disk_free: load.disk_free,
            disk_watermark: load.disk_watermark,
            not_ready: self.scheduler.why_not_ready(),
        })
    }

    async fn set_paused(&self, reason: Option<String>) -> Answer<Standing> {
        let scheduler = Arc::clone(&self.scheduler);
        let set = tokio::task::spawn_blocking(move || scheduler.set_paused(reason)).await;
        let set = set.map_err(|error| Status::internal(error.to_string()))?;
        set.map_err(|why| {
            Status::unavailable(format!(
                "applied, but not recorded, so a restart undoes it: {why}"
            ))
        })?;
        Ok(self.standing())
    }
}

#[tonic::async_trait]
impl Admin for AdminApi {
    async fn get_status(&self, _: Request<GetStatusRequest>) -> Answer<Standing> {
        Ok(self.standing())
    }

    async fn pause(&self, request: Request<PauseRequest>) -> Answer<Standing> {
        self.set_paused(Some(request.into_inner().reason)).await
    }

    async fn resume(&self, _: Request<ResumeRequest>) -> Answer<Standing> {
        self.set_paused(None).await
    }

    async fn drain(&self, _: Request<DrainRequest>) -> Answer<Standing> {
        self.drain.notify_one();
        Ok(self.standing())
    }

    async fn back_up(&self, request: Request<BackUpRequest>) -> Answer<BackUpResponse> {
        let path = PathBuf::from(request.into_inner().path);
        if !path.is_absolute() {
            return Err(Status::invalid_argument("path: must be absolute"));
        }
        let copied = path.clone();
        let begin = Instant::now();
        let done = self
            .scheduler
            .with_store(move |store| store.back_up(&copied))
            .await;
        done.map_err(|error| Status::failed_precondition(error.to_string()))?;
        let seconds = seconds(begin.elapsed());
        tracing::info!(path = %path.display(), seconds, "copied the store");
        Ok(Response::new(BackUpResponse {
            artifacts: self.folder.display().to_string(),
        }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Answer<CheckResponse> {
        let artifacts = Arc::clone(&self.artifacts);
        let checked = self.scheduler.with_store(move |store| check(store, &*artifacts));
        let Checked { n_files, wrong } = checked.await.map_err(|error| of_store(&error))?;
        Ok(Response::new(CheckResponse {
            n_files: n_files as u64,
            wrong,
        }))
    }

    async fn compact(&self, _: Request<CompactRequest>) -> Answer<CompactResponse> {
        let compacted = self.scheduler.with_store(|store| store.compact()).await;
        let Compacted { before, after } = compacted.map_err(|error| of_store(&error))?;
        tracing::info!(before, after, "compacted the store");
        Ok(Response::new(CompactResponse {
            bytes_before: before,
            bytes_after: after,
        }))
    }

    async fn reprove(&self, request: Request<ReproveRequest>) -> Answer<ReproveResponse> {
        let reopened = self.scheduler.reprove(request.into_inner().id).await;
        let job = reopened.map_err(|error| of_reprove(&error))?;
        tracing::info!(id = job.id, "an operator wants a proof again");
        Ok(Response::new(ReproveResponse {
            job: Some(job.into()),
        }))
    }

    async fn reload_clients(&self, _: Request<ReloadClientsRequest>) -> Answer<ReloadClientsResponse> {
        let reloaded = self.reloader.reload().await;
        let reloaded = reloaded.map_err(|why| Status::failed_precondition(why.to_string()))?;
        Ok(Response::new(ReloadClientsResponse {
            n_clients: reloaded.n_clients as u64,
            changed: reloaded.changed,
            needs_restart: reloaded.needs_restart,
        }))
    }
}
