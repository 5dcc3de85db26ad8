//! The client: one connection, one method per call, retries.

use crate::connection::{Bearer, Connection, Token, bearer};
use crate::digest::digest;
use crate::envelope::{PublicKey, Signer};
use crate::error::{ClientError, SigningError};
use crate::protocol::prover_client::ProverClient;
use crate::protocol::sessions_client::SessionsClient;
use crate::protocol::{
    ArtifactRef, CancelJobRequest, Capabilities, DeleteJobRequest, DownloadArtifactRequest, Estimate,
    EstimateJobRequest, GetCapabilitiesRequest, GetJobRequest, GetReceiptRequest, GetResultRequest, Job,
    JobEvent, JobResult, JobSpec, JobState, ListJobsRequest, ListJobsResponse, StatArtifactRequest,
    SubmitJobRequest, SubmitJobResponse, UploadArtifactRequest, UploadHeader, WatchJobsRequest,
    get_job_request, upload_artifact_request::Part,
};
use crate::session::Session;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming};

/// How many times, and how far apart, an upload is retried while another client uploads the same file.
const BUSY_TRIES: u32 = 120;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// Bytes per uploaded chunk.
const CHUNK: usize = 1 << 18;
/// Largest response: a job whose program has much output.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// After a connection breaks: first and longest pause before a retry, and the number of retries.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
pub(crate) const MAX_TRIES: u32 = 20;

/// The pause after so many retries.
pub(crate) fn pause(tries: u32) -> Duration {
    (FIRST_PAUSE * 2u32.pow(tries.min(6))).min(MAX_PAUSE)
}

fn in_file(path: &Path) -> impl Fn(io::Error) -> ClientError {
    let path = path.display().to_string();
    move |source| ClientError::File {
        path: path.clone(),
        source,
    }
}

pub(crate) type Inner = ProverClient<InterceptedService<Channel, Bearer>>;

/// Client of the proving service. Clones are cheap and share one connection, which is re-established when it breaks,
/// and one session.
#[derive(Clone)]
pub struct Client {
    inner: Inner,
    /// The connection without the token: whoever opens a session has none yet.
    pub(crate) sessions: SessionsClient<Channel>,
    pub(crate) signer: Option<Signer>,
    /// Public key that the appliance must have.
    pub(crate) prover: Option<PublicKey>,
    /// The server, if the signer must not sign for it.
    pub(crate) unnamed: Option<String>,
    /// The session, if the client has no other credentials than its signer.
    session: Option<Arc<Session>>,
    /// The token of the moment.
    token: watch::Receiver<Option<Token>>,
}

impl Client {
    /// Connects to the appliance, and opens a session if the client is known by its key.
    ///
    /// # Errors
    /// [`ClientError::Connect`], [`ClientError::Token`], [`ClientError::Plain`]; with a signer or an expected key also
    /// [`ClientError::Signing`] and [`ClientError::Status`].
    pub async fn connect(connection: &Connection) -> Result<Self, ClientError> {
        let fixed = connection.token.as_deref().map(bearer).transpose()?;
        let is_known = connection.token.is_some() || connection.identity.is_some();
        let opens_session = connection.signer.is_some() && !is_known;
        if let Some(server) = connection.unnamed().filter(|_| opens_session) {
            return Err(SigningError::Unnamed { server }.into());
        }
        let channel = connection.open().await?;
        let sessions = SessionsClient::new(channel.clone());
        let (sender, token) = watch::channel(fixed);
        let mut client = Self {
            inner: ProverClient::with_interceptor(channel, Bearer(token.clone()))
                .max_decoding_message_size(MAX_MESSAGE_BYTES),
            sessions,
            signer: connection.signer.clone(),
            prover: connection.prover,
            unnamed: connection.unnamed(),
            session: None,
            token,
        };
        match &connection.signer {
            Some(signer) if opens_session => {
                let session = Session::new(client.sessions.clone(), signer.clone(), client.prover, sender);
                session.renew(None).await?;
                client.session = Some(Arc::new(session));
            }
            None if client.prover.is_none() => {}
            _ => drop(client.receiver().await?),
        }
        Ok(client)
    }

    /// Refuses to sign for an appliance whose key the connection does not name.
    pub(crate) fn check_named(&self) -> Result<(), SigningError> {
        match self.unnamed.clone() {
            Some(server) => Err(SigningError::Unnamed { server }),
            None => Ok(()),
        }
    }

    /// Makes a call. If it is refused because the session has ended, opens another one and makes the call again.
    pub(crate) async fn call<Q: Clone, T, F>(
        &self,
        request: Q,
        ask: impl Fn(Inner, Q) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let used = self.token.borrow().clone();
        let refused = match ask(self.inner.clone(), request.clone()).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        match &self.session {
            Some(session) if refused.code() == Code::Unauthenticated => session.renew(used.as_ref()).await?,
            _ => return Err(refused.into()),
        }
        Ok(ask(self.inner.clone(), request).await?.into_inner())
    }

    /// Returns the appliance's capabilities.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn capabilities(&mut self) -> Result<Capabilities, ClientError> {
        self.call(GetCapabilitiesRequest {}, |mut inner, request| async move {
            inner.get_capabilities(request).await
        })
        .await
    }

    /// Uploads the part of a file that the appliance does not have yet; returns its reference.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn upload(&mut self, path: &Path) -> Result<ArtifactRef, ClientError> {
        let file = std::fs::File::open(path).map_err(in_file(path))?;
        let digesting = tokio::task::spawn_blocking(move || digest(file));
        let digested = digesting.await.map_err(io::Error::other).flatten();
        let artifact = digested.map_err(in_file(path))?;
        let mut tries = 0;
        loop {
            match self.upload_rest(&artifact, path).await {
                // Another client of the tenant is uploading the same file, or has done so since the size was asked for.
                Err(ClientError::Status(status))
                    if matches!(status.code(), Code::Aborted | Code::OutOfRange) && tries < BUSY_TRIES =>
                {
                    tries += 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                done => return done.map(|()| artifact),
            }
        }
    }

    /// Uploads the missing part of a file.
    async fn upload_rest(&mut self, artifact: &ArtifactRef, path: &Path) -> Result<(), ClientError> {
        let stat = StatArtifactRequest {
            artifact: Some(artifact.clone()),
        };
        let status = self
            .call(stat, |mut inner, request| async move {
                inner.stat_artifact(request).await
            })
            .await?;
        if status.complete {
            return Ok(());
        }
        let offset = status.received.min(artifact.size);
        let mut file = File::open(path).await.map_err(in_file(path))?;
        file.seek(io::SeekFrom::Start(offset))
            .await
            .map_err(in_file(path))?;
        let header = UploadHeader {
            artifact: Some(artifact.clone()),
            offset,
        };
        let (send, parts) = mpsc::channel(4);
        let reading = tokio::spawn(async move {
            let mut next = Some(Part::Header(header));
            while let Some(part) = next {
                // If the server has stopped reading, its response says why.
                if send
                    .send(UploadArtifactRequest { part: Some(part) })
                    .await
                    .is_err()
                {
                    break;
                }
                let mut chunk = Vec::with_capacity(CHUNK);
                (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).await?;
                next = (!chunk.is_empty()).then_some(Part::Chunk(chunk));
            }
            Ok(())
        });
        let answer = self.inner.upload_artifact(ReceiverStream::new(parts)).await;
        reading
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(in_file(path))?;
        if answer?.into_inner().complete {
            Ok(())
        } else {
            Err(in_file(path)(io::Error::other(
                "the file changed while it was uploaded",
            )))
        }
    }

    /// Downloads a file and checks its digest. The target is written completely or not at all. An interrupted download
    /// resumes from its `.part` file, unless the service reported that its own copy is damaged.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download(&mut self, artifact: &ArtifactRef, to: &Path) -> Result<(), ClientError> {
        self.download_of("", artifact, to).await
    }

    /// [`Client::download`] for a file of another tenant; needs the role admin. An empty `tenant` is the caller's own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download_of(
        &mut self,
        tenant: &str,
        artifact: &ArtifactRef,
        to: &Path,
    ) -> Result<(), ClientError> {
        // The digest becomes part of a local file name, so the service must not choose its form.
        let digits = artifact.sha256.bytes().filter(u8::is_ascii_hexdigit).count();
        if digits != 64 || artifact.sha256.len() != 64 {
            return Err(ClientError::Damaged(artifact.sha256.clone()));
        }
        let name = artifact.sha256.get(..16).unwrap_or_default();
        let part = to.with_added_extension(format!("{name}.part"));
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&part)
            .await
            .map_err(in_file(&part))?;
        let request = DownloadArtifactRequest {
            sha256: artifact.sha256.clone(),
            offset: file.metadata().await.map_err(in_file(&part))?.len(),
            tenant: tenant.to_owned(),
        };
        let received = self.receive(request, artifact, &mut file, &part).await;
        if let Err(error) = received {
            let _ = file.flush().await;
            let is_empty = file.metadata().await.is_ok_and(|part| part.len() == 0);
            // Nothing to resume.
            if is_empty || error.is_damage() {
                fs::remove_file(&part).await.map_err(in_file(&part))?;
            }
            return Err(error);
        }
        file.sync_all().await.map_err(in_file(&part))?;
        let file = std::fs::File::open(&part).map_err(in_file(&part))?;
        if digest(file).map_err(in_file(&part))?.sha256 != artifact.sha256 {
            fs::remove_file(&part).await.map_err(in_file(&part))?;
            return Err(ClientError::Damaged(artifact.sha256.clone()));
        }
        fs::rename(&part, to).await.map_err(in_file(to))
    }

    /// Appends the rest of a file to its `.part` file. A service that sends more than the file has must not fill the disk.
    async fn receive(
        &mut self,
        request: DownloadArtifactRequest,
        artifact: &ArtifactRef,
        file: &mut File,
        part: &Path,
    ) -> Result<(), ClientError> {
        let mut left = artifact.size.saturating_sub(request.offset);
        let mut chunks = self
            .call(request, |mut inner, request| async move {
                inner.download_artifact(request).await
            })
            .await?;
        while let Some(chunk) = chunks.message().await? {
            let rest = left.checked_sub(chunk.data.len() as u64);
            left = rest.ok_or_else(|| ClientError::Damaged(artifact.sha256.clone()))?;
            file.write_all(&chunk.data).await.map_err(in_file(part))?;
        }
        Ok(())
    }

    /// Submits a job. With a dedup key (idempotency key), a submission can be retried safely; one that asks for
    /// something else under the same key is refused with [`Code::AlreadyExists`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn submit(&mut self, spec: JobSpec) -> Result<SubmitJobResponse, ClientError> {
        let request = SubmitJobRequest {
            spec: Some(spec),
            envelope: Vec::new(),
        };
        self.call(request, |mut inner, request| async move {
            inner.submit_job(request).await
        })
        .await
    }

    /// Estimates a job's time, and whether it would meet its deadline.
    ///
    /// # Errors
    /// [`ClientError`]; also if the job could not be proved.
    pub async fn estimate(&mut self, spec: JobSpec) -> Result<Estimate, ClientError> {
        let request = EstimateJobRequest { spec: Some(spec) };
        self.call(request, |mut inner, request| async move {
            inner.estimate_job(request).await
        })
        .await
    }

    /// Returns a job's current state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get(&mut self, id: &str) -> Result<Job, ClientError> {
        self.find(get_job_request::Key::Id(id.to_owned())).await
    }

    /// Returns the job with a dedup key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn by_dedup_key(&mut self, key: &str) -> Result<Job, ClientError> {
        self.find(get_job_request::Key::DedupKey(key.to_owned())).await
    }

    async fn find(&mut self, key: get_job_request::Key) -> Result<Job, ClientError> {
        let request = GetJobRequest { key: Some(key) };
        self.call(request, |mut inner, request| async move {
            inner.get_job(request).await
        })
        .await
    }

    /// Lists jobs, newest first: one page. It may be short or empty; unless `next_page_token` is empty, more follow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&mut self, request: ListJobsRequest) -> Result<ListJobsResponse, ClientError> {
        self.call(request, |mut inner, request| async move {
            inner.list_jobs(request).await
        })
        .await
    }

    /// Streams events after a cursor, of one job or of all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn watch(&mut self, request: WatchJobsRequest) -> Result<Streaming<JobEvent>, ClientError> {
        self.call(request, |mut inner, request| async move {
            inner.watch_jobs(request).await
        })
        .await
    }

    /// Waits until a job has ended and returns it. Calls `tell` once per event, across reconnects.
    ///
    /// # Errors
    /// [`ClientError`], if the appliance stays unreachable for about a minute and a half.
    pub async fn wait(&mut self, id: &str, mut tell: impl FnMut(&JobEvent)) -> Result<Job, ClientError> {
        let mut after = 0;
        let mut tries = 0;
        loop {
            let before = after;
            let mut opened = None;
            let followed = self.follow(id, &mut after, &mut opened, &mut tell).await;
            // A stream that delivered an event or stayed open for a while was healthy: the next break gets all retries
            // again.
            if after > before || opened.is_some_and(|at: Instant| at.elapsed() >= MAX_PAUSE) {
                tries = 0;
            }
            match followed {
                Ok(Some(job)) => return Ok(job),
                // The stream ended before the job did: the appliance or a proxy is shutting down.
                Ok(None) => tries = 0,
                Err(error) if error.is_transient() && tries < MAX_TRIES => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause(tries)).await;
            tries += 1;
        }
    }

    async fn follow(
        &mut self,
        id: &str,
        after: &mut u64,
        opened: &mut Option<Instant>,
        tell: &mut impl FnMut(&JobEvent),
    ) -> Result<Option<Job>, ClientError> {
        let request = WatchJobsRequest {
            after: *after,
            job_id: id.to_owned(),
        };
        let mut events = self.watch(request).await?;
        *opened = Some(Instant::now());
        let known = |state: i32| {
            let unknown = |_| ClientError::Newer(format!("state {state}"));
            JobState::try_from(state).map_err(unknown)
        };
        while let Some(event) = events.message().await? {
            known(event.state)?;
            *after = event.cursor;
            tell(&event);
        }
        let job = self.get(id).await?;
        known(job.state)?;
        Ok(job.state().has_ended().then_some(job))
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cancel(&mut self, id: &str) -> Result<Job, ClientError> {
        let request = CancelJobRequest { id: id.to_owned() };
        self.call(request, |mut inner, request| async move {
            inner.cancel_job(request).await
        })
        .await
    }

    /// Deletes a job that has ended, with its result.
    ///
    /// # Errors
    /// [`ClientError`]; [`Code::FailedPrecondition`] if the job has not ended.
    pub async fn delete(&mut self, id: &str) -> Result<(), ClientError> {
        let request = DeleteJobRequest { id: id.to_owned() };
        self.call(request, |mut inner, request| async move {
            inner.delete_job(request).await
        })
        .await?;
        Ok(())
    }

    /// Returns the receipt of a job that has succeeded: an envelope of kind `receipt`, which [`crate::receipt`] reads.
    ///
    /// # Errors
    /// [`ClientError`]; [`Code::FailedPrecondition`] if the appliance signs nothing.
    pub async fn receipt(&mut self, id: &str) -> Result<Vec<u8>, ClientError> {
        let request = GetReceiptRequest { id: id.to_owned() };
        let answer = self.call(request, |mut inner, request| async move {
            inner.get_receipt(request).await
        });
        Ok(answer.await?.envelope)
    }

    /// Returns the result of a job that has succeeded.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn result(&mut self, id: &str) -> Result<JobResult, ClientError> {
        let request = GetResultRequest { id: id.to_owned() };
        self.call(request, |mut inner, request| async move {
            inner.get_result(request).await
        })
        .await
    }
}
