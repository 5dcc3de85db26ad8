//! Prepares proof inputs for submitted jobs: one child process per job, ahead of the devices.

use super::day::Held;
use super::queue::Entry;
use super::{MIN_DISK, Scheduler, State, blocking, entry};
use crate::artifacts::ArtifactError;
use crate::child::bounds::check_wrapped;
use crate::child::handed::Digests;
use crate::child::prepare::{FACT_TOPOLOGIES, PARAMETERS, PUBLIC_INPUT};
use crate::child::wrap::FIRST_PROOF_LOST;
use crate::crash;
use crate::failure::{Stage, failure};
use crate::internal::{self, ChildRequest, Prepare, child_answer::Answer, child_request::Task};
use crate::job::{Job, Spec};
use crate::processes::run_child;
use crate::pulse::Process;
use crate::store::{Fence, Renew, StoreError};
use quarry_client::protocol::{ArtifactRef, DeviceInfo, Failure, FailureClass, JobState, Limits, Statement};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Wall-clock limit of a child as a multiple of its CPU time limit: it may have to wait for the CPU and the disk.
const PATIENCE: u64 = 4;
/// Minimum of that limit, in seconds: on a busy machine a child may wait this long before it gets its first second.
const MIN_CHILD_SECONDS: u64 = 60;

/// Maximum children of tenants that have a child of their own, beside those that prepare ahead of the devices. Each may
/// take `max_child_memory_bytes`.
const MAX_OWN_CHILDREN: usize = 4;

/// Wall-clock limit of a child.
pub(super) fn child_time(limits: &Limits) -> Duration {
    let seconds = limits.max_child_cpu_seconds.saturating_mul(PATIENCE);
    Duration::from_secs(seconds.max(MIN_CHILD_SECONDS))
}

/// What a child must know of a device: not what it works on.
fn memory_of(device: &DeviceInfo) -> DeviceInfo {
    DeviceInfo {
        name: device.name.clone(),
        memory_bytes: device.memory_bytes,
        host_memory_bytes: device.host_memory_bytes,
        ..DeviceInfo::default()
    }
}

/// A job whose files are in the scratch folder.
pub(super) struct Prepared {
    /// What its proof will state.
    pub statement: Statement,
    /// Whether the proof file gets annotations.
    pub annotations: bool,
    /// Digests of its files.
    pub digests: Digests,
    /// Steps of the wrapped proof as far as they can be foreseen; 0 if none is to follow.
    pub wrapped_steps: u64,
}

impl State {
    /// Takes the next job to prepare from the queue. As many are prepared `ahead` as there are devices, so that the
    /// next program runs while the current job is proved; up to twice as many if the ready jobs do not fit a device
    /// that waits. Beyond that, a tenant without a ready job and without a child gets a child of its own: the service
    /// cannot know how long a program runs, so only this keeps a small input from waiting behind the large ones of
    /// others. Their ready jobs count too, for the sake of the scratch folder's disk.
    ///
    /// Jobs that are held for another day do not count, and nothing more is prepared for their tenants.
    pub(super) fn next_to_prepare(&mut self, ahead: usize, held: &Held) -> Option<Entry> {
        let n_preparing = self.preparing.taken();
        let n_begun = self.ready.len() - held.len() + n_preparing;
        let is_enough = match n_begun {
            n if n < ahead => false,
            n if n < 2 * ahead => n_preparing > 0 || self.feeds_all_devices(held),
            _ => true,
        };
        let has_own = n_preparing < ahead + MAX_OWN_CHILDREN && n_begun < 2 * ahead + MAX_OWN_CHILDREN;
        if is_enough && !has_own {
            return None;
        }
        let with_ready: HashSet<&str> = self.ready.iter().map(|entry| &*entry.tenant).collect();
        let is_served = |tenant: &str| self.preparing.has(tenant) || with_ready.contains(tenant);
        self.waiting.pop(Instant::now(), |entry| {
            !held.has_tenant(&entry.tenant) && (!is_enough || !is_served(&entry.tenant))
        })
    }
}

impl Scheduler {
    /// Prepares jobs ahead of the devices.
    pub(super) async fn prepare_jobs(self: Arc<Self>) {
        loop {
            let ahead = self.settings.devices.len();
            let next = self.when(|state| {
                if state.draining || state.store_failed.is_some() || self.disk.figures().free < MIN_DISK {
                    return None;
                }
                let next = state.next_to_prepare(ahead, &self.held(state))?;
                let place = state.preparing.take(&next.tenant);
                Some((next, place))
            });
            let (next, place) = next.await;
            let scheduler = Arc::clone(&self);
            self.work_on(
                next.id.clone(),
                place,
                async move { scheduler.prepare(next).await },
            );
        }
    }

    async fn prepare(&self, next: Entry) -> Result<(), StoreError> {
        let id = &*next.id;
        let validating = |job: &mut Job| job.state = JobState::Validating;
        let job = self
            .change(id, Fence::Lease(next.lease), Renew::New, validating)
            .await?;
        crash::point("prepare.leased");
        let lease = job.lease;
        let first = job.first.as_ref().and_then(|first| first.proof.as_ref());
        let prepared = tokio::select! {
            prepared = self.run_prepare(id, &job.tenant, (&job.spec, job.leg), first) => prepared,
            () = self.stopped(id) => {
                self.forget(id);
                return Ok(());
            }
        };
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => return self.fail(id, Fence::Lease(lease), failure).await,
        };
        // No collection between adopting a file and recording the job that refers to it.
        let no_collection = self.collection.put_off().await;
        if let Err(failure) = self.keep_statement(&job, &mut prepared).await {
            return self.fail(id, Fence::Lease(lease), failure).await;
        }
        crash::point("prepare.done");
        let statement = prepared.statement.clone();
        let queued = move |job: &mut Job| {
            job.state = JobState::Queued;
            job.validation_done = true;
            job.statement = Some(statement.clone());
        };
        self.recall_device_time(&job.tenant).await?;
        let job = self.change(id, Fence::Lease(lease), Renew::Keep, queued).await?;
        drop(no_collection);
        let mut state = self.state();
        if let Some(active) = state.active.get_mut(id) {
            active.prepared = Some(prepared);
            state.ready.push(entry(&job));
        }
        let why = self.held(&state).why(&job.tenant, id, job.state);
        if !why.is_empty() {
            tracing::info!(id, why, "the job waits for another day");
        }
        Ok(())
    }

    /// Runs the child for a leg of a job, which writes its files to the job's scratch folder. `first` is the proof to wrap,
    /// instead of the input of the specification.
    pub(super) async fn run_prepare(
        &self,
        id: &str,
        tenant: &str,
        (spec, leg): (&Spec, u32),
        first: Option<&ArtifactRef>,
    ) -> Result<Prepared, Failure> {
        let limits = self.limits(spec.limits);
        check_wrapped(spec, &limits)?;
        let spec = spec.of_leg(leg);
        let folder = self.scratch.folder(id);
        let internal =
            |code, why: &dyn std::fmt::Display| failure(FailureClass::Internal, Stage::Prepare, code, why);
        // The client must not see the paths.
        self.look_for_data()
            .map_err(|_| internal("scratch", &"the data of the service is not in its place"))?;
        self.scratch.make(id).map_err(|why| internal("scratch", &why))?;
        let mut paths = self
            .paths(tenant, spec.inputs())
            .map_err(|why| internal("artifact", &why))?;
        let of_first = self.paths(tenant, first);
        paths.extend(of_first.map_err(|why| internal(FIRST_PROOF_LOST, &why))?);
        let time = child_time(&limits);
        let request = ChildRequest {
            folder: folder.display().to_string(),
            limits: Some(limits),
            max_file_bytes: self.settings.max_file_bytes,
            task: Some(Task::Prepare(Prepare {
                spec: Some(spec.clone().into()),
                paths,
                devices: self.devices().iter().map(memory_of).collect(),
                first: first.cloned(),
            })),
        };
        let pulse = self.pulses.begin(Process::Child, self.settings.max_stall);
        match run_child(&request, Stage::Prepare, time, &pulse).await? {
            Answer::Prepared(internal::Prepared {
                statement: Some(statement),
                annotations,
                digests,
                wrapped_steps,
            }) => {
                self.check_device_time(&spec, statement.multiplications)?;
                self.check_day(Stage::Prepare, tenant, statement.multiplications)?;
                Ok(Prepared {
                    statement,
                    annotations,
                    digests,
                    wrapped_steps,
                })
            }
            _ => Err(internal("child.answer", &"not an answer to prepare")),
        }
    }

    /// Stores the public input, the parameters, and the fact topologies if there are any, as artifacts of the job's
    /// tenant.
    async fn keep_statement(&self, job: &Job, prepared: &mut Prepared) -> Result<(), Failure> {
        let folder = self.scratch.folder(&job.id);
        let names = [PUBLIC_INPUT, PARAMETERS, FACT_TOPOLOGIES];
        for name in names {
            // Only tasks on continuous pages have topologies.
            if name == FACT_TOPOLOGIES && !prepared.digests.contains_key(name) {
                continue;
            }
            let kept = self.keep(&job.tenant, folder.join(name)).await;
            let kept =
                kept.map_err(|why| failure(FailureClass::Internal, Stage::Prepare, "artifact", why))?;
            if prepared.digests.get(name) != Some(&kept.sha256) {
                let message = format!("{name} is not as the child wrote it: the disk may be damaged");
                return Err(failure(
                    FailureClass::Internal,
                    Stage::Prepare,
                    "scratch",
                    message,
                ));
            }
            let statement = &mut prepared.statement;
            let place = match name {
                PUBLIC_INPUT => &mut statement.public_input,
                FACT_TOPOLOGIES => &mut statement.fact_topologies,
                _ => &mut statement.parameters,
            };
            *place = Some(kept);
        }
        Ok(())
    }

    /// Paths of a tenant's artifacts, by digest.
    pub(super) fn paths<'a>(
        &self,
        tenant: &str,
        artifacts: impl IntoIterator<Item = &'a ArtifactRef>,
    ) -> Result<HashMap<String, String>, ArtifactError> {
        let path = |artifact: &ArtifactRef| {
            let path = self.artifacts.path(tenant, &artifact.sha256)?;
            Ok((artifact.sha256.clone(), path.display().to_string()))
        };
        artifacts.into_iter().map(path).collect()
    }

    /// Stores a copy of a file as an artifact of a tenant.
    async fn keep(&self, tenant: &str, file: PathBuf) -> Result<ArtifactRef, ArtifactError> {
        let artifacts = Arc::clone(&self.artifacts);
        let tenant = tenant.to_owned();
        blocking(move || {
            let copy = file.with_extension("copy");
            std::fs::copy(&file, &copy)?;
            artifacts.adopt(&tenant, Path::new(&copy))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(tenant: &str) -> Entry {
        Entry {
            id: tenant.to_owned(),
            lease: 0,
            tenant: tenant.to_owned(),
            priority: 0,
            since: Instant::now(),
            not_before: Instant::now(),
        }
    }

    #[test]
    fn ready_jobs_of_many_tenants_are_bounded() {
        let ahead = 1;
        let mut state = State::default();
        for n in 0..20 {
            state.waiting.push(job(&format!("tenant {n}")));
        }
        // Each child is done at once, and no device takes a job.
        while let Some(next) = state.next_to_prepare(ahead, &Held::default()) {
            state.ready.push(next);
        }
        assert_eq!(state.ready.len(), 2 * ahead + MAX_OWN_CHILDREN);
    }

    #[test]
    fn a_tenant_has_one_child_of_its_own() {
        let mut state = State::default();
        for tenant in ["a", "a", "a", "b", "b", "c"] {
            state.waiting.push(job(tenant));
        }
        let mut places = Vec::new();
        let mut tenants = Vec::new();
        while let Some(next) = state.next_to_prepare(1, &Held::default()) {
            places.push(state.preparing.take(&next.tenant));
            tenants.push(next.tenant);
        }
        tenants.sort();
        assert_eq!(tenants, ["a", "b", "c"]);
    }
}
