//! Implementation of the public gRPC API.

use super::identity::{Authenticator, Identity, Role};
use super::interceptors;
use super::patience::Patience;
use super::rates::{Limiter, RequestKind};
use super::receipts::receipt;
use super::signing::OwnKey;
use super::slots::{Slot, SlotLimits, Slots};
use super::spec::{self, short};
use super::status::{of_artifacts, of_failure, of_store, of_submit, retry, upload_refusal};
use super::streams::{blocking, cut_unless_taken, send_events, send_file};
use crate::artifacts::{Allowance, ArtifactError, Artifacts, Upload};
use crate::config::{Admission, ArtifactLimits, Config};
use crate::job::Job;
use crate::scheduler::{Held, Scheduler};
use crate::store::{Listing, StoreError};
use quarry_client::protocol::prover_server::Prover;
use quarry_client::protocol::{
    self, ArtifactChunk, ArtifactStatus, CancelJobRequest, Capabilities, DeleteJobRequest, DeleteJobResponse,
    DownloadArtifactRequest, Estimate, EstimateJobRequest, GetCapabilitiesRequest, GetJobRequest,
    GetReceiptRequest, GetReceiptResponse, GetResultRequest, JobEvent, JobResult, JobState, ListJobsRequest,
    ListJobsResponse, StatArtifactRequest, SubmitJobRequest, SubmitJobResponse, UploadArtifactRequest,
    WatchJobsRequest, get_job_request::Key, upload_artifact_request::Part,
};
use std::convert::Infallible;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status, Streaming};

/// Jobs per page.
const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 500;

/// Open uploads and downloads: per tenant and in total.
const TRANSFERS: SlotLimits = SlotLimits {
    per_holder: 64,
    total: 512,
};
/// Open watch streams: per tenant and in total.
const WATCHES: SlotLimits = SlotLimits {
    per_holder: 1024,
    total: 8192,
};
/// Lists under way: each reads much and takes a thread.
const LISTS: SlotLimits = SlotLimits {
    per_holder: 16,
    total: 256,
};
/// Estimates under way: tenants have limits of their own.
const ESTIMATES: SlotLimits = SlotLimits {
    per_holder: usize::MAX,
    total: usize::MAX,
};
/// Retry delay if too many are open.
const LATER: Duration = Duration::from_secs(5);
/// Roles that may see jobs.
const ANY: &[Role] = &[Role::Submit, Role::Read, Role::Admin];

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Implementation of the public API.
pub struct Api {
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) artifacts: Arc<dyn Artifacts>,
    pub(super) authenticator: Arc<dyn Authenticator>,
    addresses: Arc<Limiter>,
    transfers: Arc<Slots<String>>,
    watches: Arc<Slots<String>>,
    lists: Arc<Slots<String>>,
    /// By tenant.
    pub(super) estimates: Arc<Slots<String>>,
    pub(super) artifact_limits: ArtifactLimits,
    /// The service's key, if it has one.
    pub(super) signing: Option<Arc<OwnKey>>,
    pub(super) admission: Admission,
    /// How long a client may neither send nor read.
    stall: Duration,
}

impl Api {
    /// Creates the API. `authenticator` rechecks the clients of open watch streams.
    pub fn new(
        scheduler: Arc<Scheduler>,
        artifacts: Arc<dyn Artifacts>,
        authenticator: Arc<dyn Authenticator>,
        addresses: Arc<Limiter>,
        signing: Option<Arc<OwnKey>>,
        config: &Config,
    ) -> Self {
        Self {
            scheduler,
            artifacts,
            authenticator,
            addresses,
            transfers: Slots::new(TRANSFERS),
            watches: Slots::new(WATCHES),
            lists: Slots::new(LISTS),
            estimates: Slots::new(ESTIMATES),
            artifact_limits: config.artifacts,
            signing,
            admission: config.admission(),
            stall: Duration::from_secs(config.max_client_stall_seconds),
        }
    }

    /// Returns the client that the interceptor authenticated. It must have one of the roles and be within the limit for
    /// submissions.
    fn authorize<T>(
        &self,
        request: &Request<T>,
        kind: RequestKind,
        roles: &[Role],
    ) -> Result<Identity, Status> {
        let metrics = self.scheduler.metrics();
        let identity = request.extensions().get::<Identity>().cloned();
        let identity = identity.ok_or_else(|| Status::unauthenticated("missing credentials"))?;
        if kind == RequestKind::Submission {
            interceptors::take(
                kind,
                &identity,
                &self.addresses,
                interceptors::peer(request)?.address,
            )
            .inspect_err(|_| metrics.refused("rate"))?;
        }
        if roles.iter().any(|role| identity.roles.contains(role)) {
            return Ok(identity);
        }
        metrics.unauthenticated("role");
        Err(Status::permission_denied("this client's roles do not allow it"))
    }

    /// Takes a slot for the tenant, or for the address if no clients are configured.
    fn slot<T>(
        &self,
        slots: &Arc<Slots<String>>,
        who: &Identity,
        request: &Request<T>,
    ) -> Result<Slot<String>, Status> {
        let slot = slots.take(who.holder(interceptors::peer(request)?.address));
        slot.ok_or_else(|| {
            let why = "too many streams or lists at a time: end one first".to_owned();
            retry(Code::ResourceExhausted, why, LATER)
        })
    }

    /// Runs a blocking artifact action off the async threads.
    async fn with_artifacts<T: Send + 'static>(
        &self,
        action: impl FnOnce(&dyn Artifacts) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, Status> {
        let artifacts = Arc::clone(&self.artifacts);
        blocking(move || action(&*artifacts)).await
    }

    /// A job as clients see it, with what only the scheduler knows: its progress, and what it waits for.
    fn live(&self, held: &Held, mut job: Job) -> protocol::Job {
        if job.state == JobState::Running
            && let Some(progress) = self.scheduler.progress(&job.id)
        {
            job.progress = progress;
        }
        protocol::Job {
            waits_for: held.why(&job.tenant, &job.id, job.state),
            ..job.into()
        }
    }

    /// Loads a job that the client may see; any other job is reported as not found.
    async fn stored(&self, id: &str, who: &Identity) -> Result<Job, Status> {
        short("id", id)?;
        let wanted = id.to_owned();
        let job = self.scheduler.with_store(move |store| store.get(&wanted)).await;
        let job = job.map_err(|error| of_store(&error))?;
        match who.covers(&job.tenant) {
            true => Ok(job),
            false => Err(of_store(&StoreError::NotFound(id.to_owned()))),
        }
    }

    /// Receives an upload's file.
    async fn receive(
        &self,
        who: Identity,
        mut parts: Streaming<UploadArtifactRequest>,
    ) -> Result<ArtifactStatus, Status> {
        let mut patience = Patience::new(&self.artifact_limits, self.stall);
        let header = match patience.wait(parts.message()).await?.and_then(|part| part.part) {
            Some(Part::Header(header)) => header,
            _ => return Err(Status::invalid_argument("an upload must begin with its header")),
        };
        let artifact = header.artifact.unwrap_or_default();
        short("sha256", &artifact.sha256)?;
        let wanted = artifact.clone();
        let offset = header.offset;
        let allowance = Allowance {
            limits: who.limits,
            // An upload goes on while the store fails.
            records: self
                .recorded(&who.tenant)
                .await
                .map_or(0, |recorded| recorded.record_bytes),
        };
        let upload =
            move |artifacts: &dyn Artifacts| artifacts.upload(&who.tenant, &wanted, offset, &allowance);
        let mut upload: Box<dyn Upload> = self.with_artifacts(upload).await?;
        // If the client disconnects, the received bytes stay, to be resumed.
        while let Some(part) = patience.wait(parts.message()).await? {
            let Some(Part::Chunk(chunk)) = part.part else {
                return Err(Status::invalid_argument(
                    "only chunks may follow an upload's header",
                ));
            };
            patience.received(chunk.len());
            upload = blocking(move || {
                upload.write(&chunk)?;
                Ok(upload)
            })
            .await?;
        }
        let kept = blocking(move || upload.finish()).await?;
        Ok(ArtifactStatus {
            artifact: Some(artifact),
            complete: kept.complete,
            received: kept.received,
        })
    }
}

/// A stream of responses with what it holds, its slot for example, until it ends or the client disconnects.
fn held<T: 'static + Send>(
    answers: mpsc::Receiver<Result<T, Status>>,
    held: impl Send + 'static,
) -> Response<Answers<T>> {
    Response::new(Box::pin(ReceiverStream::new(answers).map(move |answer| {
        let _held = &held;
        answer
    })))
}

#[tonic::async_trait]
impl Prover for Api {
    async fn get_capabilities(&self, request: Request<GetCapabilitiesRequest>) -> Answer<Capabilities> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        Ok(Response::new(self.capabilities(&who).await?))
    }

    async fn estimate_job(&self, request: Request<EstimateJobRequest>) -> Answer<Estimate> {
        let who = self.authorize(&request, RequestKind::Submission, &[Role::Submit])?;
        let spec = spec::parse(request.into_inner().spec)?;
        let admitted = self.scheduler.check_priority(&spec, &who.limits);
        let admitted = admitted.and_then(|()| self.scheduler.check_inputs(&who.tenant, &spec));
        let admitted = admitted.and_then(|()| Ok(self.estimate_slot(&who)?));
        let _slot = admitted.map_err(|error| {
            self.scheduler.metrics().refused(error.name());
            of_submit(&error)
        })?;
        let estimate = self.scheduler.estimate(&who.tenant, &spec).await;
        Ok(Response::new(estimate.map_err(|failure| of_failure(&failure))?))
    }

    async fn upload_artifact(
        &self,
        request: Request<Streaming<UploadArtifactRequest>>,
    ) -> Answer<ArtifactStatus> {
        let who = self.authorize(&request, RequestKind::Call, &[Role::Submit])?;
        let metrics = self.scheduler.metrics();
        let slot = self.slot(&self.transfers, &who, &request);
        let _slot = slot.inspect_err(|_| metrics.upload_refused("streams"))?;
        let received = self.receive(who, request.into_inner()).await;
        if let Some(reason) = received.as_ref().err().and_then(upload_refusal) {
            metrics.upload_refused(reason);
            if reason == "disk" {
                self.scheduler.disk_is_short();
            }
        }
        received.map(Response::new)
    }

    async fn stat_artifact(&self, request: Request<StatArtifactRequest>) -> Answer<ArtifactStatus> {
        let who = self.authorize(&request, RequestKind::Call, &[Role::Submit, Role::Read])?;
        let artifact = request.into_inner().artifact.unwrap_or_default();
        short("sha256", &artifact.sha256)?;
        let sha256 = artifact.sha256.clone();
        let kept = self
            .with_artifacts(move |artifacts| artifacts.stat(&who.tenant, &sha256))
            .await?;
        Ok(Response::new(ArtifactStatus {
            artifact: Some(artifact),
            complete: kept.complete,
            received: kept.received,
        }))
    }

    type DownloadArtifactStream = Answers<ArtifactChunk>;

    async fn download_artifact(
        &self,
        request: Request<DownloadArtifactRequest>,
    ) -> Answer<Self::DownloadArtifactStream> {
        let who = self.authorize(&request, RequestKind::Call, &[Role::Read])?;
        let slot = self.slot(&self.transfers, &who, &request)?;
        let cut = interceptors::peer(&request)?.place.cut().clone();
        let DownloadArtifactRequest {
            sha256,
            offset,
            tenant,
        } = request.into_inner();
        short("sha256", &sha256)?;
        short("tenant", &tenant)?;
        let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
        let tenant = tenant.unwrap_or_else(|| who.tenant.clone());
        if !who.covers(&tenant) {
            return Err(of_artifacts(&ArtifactError::NotFound(sha256)));
        }
        let wanted = sha256.clone();
        let file = self.with_artifacts(move |artifacts| Ok(File::open(artifacts.path(&tenant, &wanted)?)?));
        let file = file.await?;
        let (send, chunks) = mpsc::channel(2);
        // One slot for a chunk, and one reserved for the error that ends the stream.
        let last = send.clone().try_reserve_owned();
        let last = last.map_err(|error| Status::internal(error.to_string()))?;
        let (stream, taken) = oneshot::channel::<Infallible>();
        let stall = self.stall;
        tokio::spawn(async move {
            match send_file(file, &sha256, offset, stall, &send).await {
                Err(status) => drop(last.send(Err(status))),
                Ok(()) => drop(last),
            }
            drop(send);
            cut_unless_taken(taken, stall, &cut).await;
        });
        Ok(held(chunks, (slot, stream)))
    }

    async fn submit_job(&self, request: Request<SubmitJobRequest>) -> Answer<SubmitJobResponse> {
        let who = self.authorize(&request, RequestKind::Submission, &[Role::Submit])?;
        let request = request.into_inner();
        if !request.envelope.is_empty() {
            return Box::pin(self.submit_signed(who, request))
                .await
                .map(Response::new);
        }
        let spec = spec::parse(request.spec)?;
        let submitted = self.scheduler.submit(who.tenant, spec, who.limits, None).await;
        let submitted = submitted.map_err(|error| of_submit(&error))?;
        Ok(Response::new(SubmitJobResponse {
            job: Some(submitted.job.into()),
            existing: submitted.existing,
            acceptance: Vec::new(),
        }))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Answer<protocol::Job> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        let job = match request.into_inner().key {
            Some(Key::Id(id)) => self.stored(&id, &who).await?,
            Some(Key::DedupKey(key)) => {
                short("dedup_key", &key)?;
                let found = self
                    .scheduler
                    .with_store(move |store| store.by_dedup_key(&who.tenant, &key))
                    .await;
                let found = found.map_err(|error| of_store(&error))?;
                found.ok_or_else(|| Status::not_found("there is no job with this dedup key"))?
            }
            None => return Err(Status::invalid_argument("id or dedup_key is required")),
        };
        let held = match job.state {
            JobState::Received | JobState::Queued => self.scheduler.held_jobs(),
            _ => Held::default(),
        };
        Ok(Response::new(self.live(&held, job)))
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Answer<ListJobsResponse> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        let _slot = self.slot(&self.lists, &who, &request)?;
        let request = request.into_inner();
        let known =
            |state: &i32| JobState::try_from(*state).is_ok_and(|state| state != JobState::Unspecified);
        if let Some(state) = request.states.iter().find(|state| !known(state)) {
            return Err(Status::invalid_argument(format!("states: unknown state {state}")));
        }
        short("page_token", &request.page_token)?;
        let listing = Listing {
            tenant: (!who.roles.contains(&Role::Admin)).then_some(who.tenant),
            states: request.states().collect(),
            page_size: match request.page_size as usize {
                0 => DEFAULT_PAGE_SIZE,
                size => size.min(MAX_PAGE_SIZE),
            },
            labels: request.labels,
            page_token: request.page_token,
        };
        let page = self.scheduler.with_store(move |store| store.list(&listing)).await;
        let page = page.map_err(|error| of_store(&error))?;
        let held = self.scheduler.held_jobs();
        Ok(Response::new(ListJobsResponse {
            jobs: page.jobs.into_iter().map(|job| self.live(&held, job)).collect(),
            next_page_token: page.next,
        }))
    }

    type WatchJobsStream = Answers<JobEvent>;

    async fn watch_jobs(&self, request: Request<WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        let slot = self.slot(&self.watches, &who, &request)?;
        let cut = interceptors::peer(&request)?.place.cut().clone();
        let (metadata, certificate) = (
            request.metadata().clone(),
            interceptors::peer(&request)?.certificate.clone(),
        );
        let WatchJobsRequest { mut after, job_id } = request.into_inner();
        let job = (!job_id.is_empty()).then_some(job_id);
        let mut is_over = false;
        let mut tenant = None;
        if job.is_none() && !who.roles.contains(&Role::Admin) {
            return Err(Status::permission_denied(
                "only admins may watch all jobs: set job_id",
            ));
        }
        if let Some(id) = &job {
            let job = self.stored(id, &who).await?;
            tenant = Some(job.tenant.clone());
            is_over = job.has_ended() && after >= job.last_event;
            after = after.max(job.first_event.saturating_sub(1));
        }
        // The announced cursor may lag behind the store for a moment.
        if after > *self.scheduler.events().borrow() {
            let last = self.scheduler.with_store(|store| store.last_event()).await;
            let last = last.map_err(|error| of_store(&error))?;
            if after > last {
                let why = format!("there is no cursor {after}: the latest is {last}");
                return Err(Status::out_of_range(why));
            }
        }
        let (send, events) = mpsc::channel(16);
        if is_over {
            return Ok(held(events, slot));
        }
        let scheduler = Arc::clone(&self.scheduler);
        let authenticator = Arc::clone(&self.authenticator);
        // After a reload, a client that was removed or lost its roles gets no more events on streams it had opened
        // before.
        let may_see = move || {
            let who = authenticator.identify(&metadata, certificate.as_deref())?;
            let covers = match &tenant {
                Some(tenant) => who.covers(tenant),
                None => who.roles.contains(&Role::Admin),
            };
            match covers {
                true => Ok(()),
                false => Err(Status::permission_denied(
                    "this client may no longer see these events",
                )),
            }
        };
        let (stream, taken) = oneshot::channel::<Infallible>();
        let stall = self.stall;
        tokio::spawn(async move {
            if let Err(status) = send_events(&scheduler, after, job, may_see, stall, &send).await {
                let _ = timeout(stall, send.send(Err(status))).await;
            }
            drop(send);
            cut_unless_taken(taken, stall, &cut).await;
        });
        Ok(held(events, (slot, stream)))
    }

    async fn cancel_job(&self, request: Request<CancelJobRequest>) -> Answer<protocol::Job> {
        let who = self.authorize(&request, RequestKind::Call, &[Role::Submit, Role::Admin])?;
        let id = request.into_inner().id;
        self.stored(&id, &who).await?;
        let job = self.scheduler.cancel(&id).await;
        Ok(Response::new(job.map_err(|error| of_store(&error))?.into()))
    }

    async fn delete_job(&self, request: Request<DeleteJobRequest>) -> Answer<DeleteJobResponse> {
        let who = self.authorize(&request, RequestKind::Call, &[Role::Submit, Role::Admin])?;
        let id = request.into_inner().id;
        self.stored(&id, &who).await?;
        let deleted = self.scheduler.delete(&id).await;
        deleted.map_err(|error| of_store(&error))?;
        Ok(Response::new(DeleteJobResponse {}))
    }

    async fn get_result(&self, request: Request<GetResultRequest>) -> Answer<JobResult> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        let job = self.stored(&request.into_inner().id, &who).await?;
        let none = || Status::failed_precondition(format!("the job is {}", job.state.name()));
        Ok(Response::new(job.result.ok_or_else(none)?))
    }

    async fn get_receipt(&self, request: Request<GetReceiptRequest>) -> Answer<GetReceiptResponse> {
        let who = self.authorize(&request, RequestKind::Call, ANY)?;
        let job = self.stored(&request.into_inner().id, &who).await?;
        let none = "this appliance signs no receipts: its operator has set no [signing]";
        let own = self.signing.as_ref();
        let own = own.ok_or_else(|| Status::failed_precondition(none))?;
        let receipt = receipt(&self.scheduler, own, &job.id).await;
        let envelope = receipt.map_err(|error| of_store(&error))?;
        Ok(Response::new(GetReceiptResponse { envelope }))
    }
}
