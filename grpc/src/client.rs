//! The client: files up, a job in, its events, a proof down.
//!
//! ```no_run
//! # async fn example() -> Result<(), quarry_grpc::client::ClientError> {
//! use quarry_grpc::client::{Client, Connection};
//! use quarry_grpc::protocol::{JobSpec, ProgramInput, job_spec::Input};
//!
//! let mut client = Client::connect(&Connection::default()).await?;
//! let program = client.upload("program.json".as_ref()).await?;
//! let spec = JobSpec {
//!     input: Some(Input::Program(ProgramInput { program: Some(program), ..Default::default() })),
//!     dedup_key: "block 1234".to_owned(),
//!     ..Default::default()
//! };
//! let job = client.submit(spec).await?.job.unwrap_or_default();
//! let job = client.wait(&job.id, |event| println!("{}", event.stage)).await?;
//! let result = client.result(&job.id).await?;
//! client.download(&result.proof.unwrap_or_default(), "proof.json".as_ref()).await?;
//! # Ok(()) }
//! ```

use crate::digest::digest;
use crate::protocol::prover_client::ProverClient;
use crate::protocol::{
    ArtifactRef, CancelJobRequest, Capabilities, DownloadArtifactRequest, Estimate, EstimateJobRequest,
    GetCapabilitiesRequest, GetJobRequest, GetResultRequest, Job, JobEvent, JobResult, JobSpec, JobState,
    ListJobsRequest, ListJobsResponse, StatArtifactRequest, SubmitJobRequest, SubmitJobResponse,
    UploadArtifactRequest, UploadHeader, WatchJobsRequest, get_job_request, upload_artifact_request::Part,
};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};

/// How often, and how long apart, an upload is tried while somebody else uploads the same file.
const BUSY_TRIES: u32 = 120;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// Bytes of a chunk that is uploaded.
const CHUNK: usize = 1 << 18;
/// The longest answer: a job whose program has much output.
const MOST_MESSAGE_BYTES: usize = 64 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// After a connection broke: how long to wait at first and at most, and how often to try again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];
const MOST_TRIES: u32 = 20;

/// Where the appliance is, and who asks.
#[derive(Clone)]
pub struct Connection {
    /// `http://host:port`, or `https://` for TLS.
    pub server: String,
    /// A token, if the appliance asks for one.
    pub token: Option<String>,
    /// Certificates (PEM) of the authority that signed the appliance's.
    pub authority: Option<Vec<u8>>,
    /// This client's certificate and key (PEM).
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Says where, and what there is; no secret.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.server)
            .field("has_token", &self.token.is_some())
            .field("has_authority", &self.authority.is_some())
            .field("has_identity", &self.identity.is_some())
            .finish()
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            server: "http://127.0.0.1:7474".to_owned(),
            token: None,
            authority: None,
            identity: None,
        }
    }
}

/// Why the appliance could not be asked, or what it answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection.
    #[error("cannot connect to {server}: {source}")]
    Connect {
        /// The server.
        server: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// A token that no header can carry.
    #[error("the token has characters that it must not have")]
    Token,
    /// A secret that would go over the network for all to read, or an authority that nobody would ask.
    #[error("{server}: a token or a certificate needs https://, or for a token an address of this machine")]
    Plain {
        /// The server.
        server: String,
    },
    /// An answer that only later versions understand.
    #[error("{0}: this client is older than the appliance, take a newer one")]
    Newer(String),
    /// The appliance refuses, or the connection broke.
    #[error("{}", .0.message())]
    Status(Box<Status>),
    /// A file of ours.
    #[error("'{path}': {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The bytes that came do not have the digest that was asked for.
    #[error("artifact {0}: what came has another digest")]
    Damaged(String),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl ClientError {
    /// Whether asking again later may help: the appliance is away, or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Status(status) => matches!(
                status.code(),
                Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Unknown
            ),
            _ => false,
        }
    }
}

/// Whether a host is this machine.
fn is_loopback(host: Option<&str>) -> bool {
    let host = host.unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn in_file(path: &Path) -> impl Fn(io::Error) -> ClientError {
    let path = path.display().to_string();
    move |source| ClientError::File {
        path: path.clone(),
        source,
    }
}

/// Adds the token to every request.
#[derive(Clone)]
struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A client. Cloning it is cheap, and clones share a connection, which is made again when it breaks.
#[derive(Clone)]
pub struct Client {
    inner: ProverClient<InterceptedService<Channel, Bearer>>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Connect`], [`ClientError::Token`], [`ClientError::Plain`].
    pub async fn connect(connection: &Connection) -> Result<Self, ClientError> {
        let refused = |source| ClientError::Connect {
            server: connection.server.clone(),
            source,
        };
        let mut endpoint = Endpoint::from_shared(connection.server.clone())
            .map_err(refused)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .tcp_nodelay(true);
        let is_tls = endpoint.uri().scheme_str() == Some("https");
        let is_plain = connection.authority.is_some()
            || connection.identity.is_some()
            || (connection.token.is_some() && !is_loopback(endpoint.uri().host()));
        if !is_tls && is_plain {
            return Err(ClientError::Plain {
                server: connection.server.clone(),
            });
        }
        if is_tls {
            let mut tls = ClientTlsConfig::new();
            if let Some(authority) = &connection.authority {
                tls = tls.ca_certificate(Certificate::from_pem(authority));
            }
            if let Some((certificate, key)) = &connection.identity {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            endpoint = endpoint.tls_config(tls).map_err(refused)?;
        }
        let token = connection.token.as_ref().map(|token| {
            let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
                .parse()
                .map_err(|_| ClientError::Token)?;
            value.set_sensitive(true);
            Ok::<_, ClientError>(value)
        });
        let bearer = Bearer(token.transpose()?);
        let channel = endpoint.connect().await.map_err(refused)?;
        Ok(Self {
            inner: ProverClient::with_interceptor(channel, bearer)
                .max_decoding_message_size(MOST_MESSAGE_BYTES),
        })
    }

    /// What the appliance can do.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn capabilities(&mut self) -> Result<Capabilities, ClientError> {
        let answer = self.inner.get_capabilities(GetCapabilitiesRequest {}).await?;
        Ok(answer.into_inner())
    }

    /// Uploads a file, as far as it is not there, and gives its name.
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
                // Somebody else of the tenant uploads the same file.
                Err(ClientError::Status(status)) if status.code() == Code::Aborted && tries < BUSY_TRIES => {
                    tries += 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                done => return done.map(|()| artifact),
            }
        }
    }

    /// Uploads what is not there of a file.
    async fn upload_rest(&mut self, artifact: &ArtifactRef, path: &Path) -> Result<(), ClientError> {
        let stat = StatArtifactRequest {
            artifact: Some(artifact.clone()),
        };
        let status = self.inner.stat_artifact(stat).await?.into_inner();
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
                // A server that does not listen any more says why in its answer.
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

    /// Downloads a file and checks its digest. The file is written whole or not at all; a download that broke off is
    /// resumed from its `.part`, unless the service found its own file damaged.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download(&mut self, artifact: &ArtifactRef, to: &Path) -> Result<(), ClientError> {
        self.download_of("", artifact, to).await
    }

    /// [`Client::download`] of a file of another tenant, for admins. No name is the caller's own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download_of(
        &mut self,
        tenant: &str,
        artifact: &ArtifactRef,
        to: &Path,
    ) -> Result<(), ClientError> {
        // It names a file here: it is not the service's to say where.
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
        let mut chunks = self.inner.download_artifact(request).await?.into_inner();
        loop {
            match chunks.message().await {
                Ok(Some(chunk)) => file.write_all(&chunk.data).await.map_err(in_file(&part))?,
                Ok(None) => break,
                Err(status) => {
                    if status.code() == Code::DataLoss {
                        fs::remove_file(&part).await.map_err(in_file(&part))?;
                    }
                    return Err(status.into());
                }
            }
        }
        file.sync_all().await.map_err(in_file(&part))?;
        let file = std::fs::File::open(&part).map_err(in_file(&part))?;
        if digest(file).map_err(in_file(&part))?.sha256 != artifact.sha256 {
            fs::remove_file(&part).await.map_err(in_file(&part))?;
            return Err(ClientError::Damaged(artifact.sha256.clone()));
        }
        fs::rename(&part, to).await.map_err(in_file(to))
    }

    /// Submits a job. With a dedup key this may be tried again without fear.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn submit(&mut self, spec: JobSpec) -> Result<SubmitJobResponse, ClientError> {
        let request = SubmitJobRequest { spec: Some(spec) };
        Ok(self.inner.submit_job(request).await?.into_inner())
    }

    /// What a job would take, and when it would be done.
    ///
    /// # Errors
    /// [`ClientError`]; also if there would be no proof.
    pub async fn estimate(&mut self, spec: JobSpec) -> Result<Estimate, ClientError> {
        let request = EstimateJobRequest { spec: Some(spec) };
        Ok(self.inner.estimate_job(request).await?.into_inner())
    }

    /// A job as it stands.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get(&mut self, id: &str) -> Result<Job, ClientError> {
        self.find(get_job_request::Key::Id(id.to_owned())).await
    }

    /// The job with a dedup key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn by_dedup_key(&mut self, key: &str) -> Result<Job, ClientError> {
        self.find(get_job_request::Key::DedupKey(key.to_owned())).await
    }

    async fn find(&mut self, key: get_job_request::Key) -> Result<Job, ClientError> {
        let request = GetJobRequest { key: Some(key) };
        Ok(self.inner.get_job(request).await?.into_inner())
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&mut self, request: ListJobsRequest) -> Result<ListJobsResponse, ClientError> {
        Ok(self.inner.list_jobs(request).await?.into_inner())
    }

    /// Events after a cursor, of one job or of all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn watch(&mut self, request: WatchJobsRequest) -> Result<Streaming<JobEvent>, ClientError> {
        Ok(self.inner.watch_jobs(request).await?.into_inner())
    }

    /// Waits until a job has ended, and gives it; tells of every event once, across connections that break.
    ///
    /// # Errors
    /// [`ClientError`], if the appliance stays away for about a minute and a half.
    pub async fn wait(&mut self, id: &str, mut tell: impl FnMut(&JobEvent)) -> Result<Job, ClientError> {
        let mut after = 0;
        let mut tries = 0;
        loop {
            let before = after;
            let mut opened = None;
            let followed = self.follow(id, &mut after, &mut opened, &mut tell).await;
            // A stream that told something, or stood for a while, was a good one: whatever cuts it may do so often.
            if after > before || opened.is_some_and(|at: Instant| at.elapsed() >= PAUSES[1]) {
                tries = 0;
            }
            match followed {
                Ok(Some(job)) => return Ok(job),
                // The stream ended before the job did: the appliance ends, or whoever is between.
                Ok(None) => tries = 0,
                Err(error) if error.is_transient() && tries < MOST_TRIES => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep((PAUSES[0] * 2u32.pow(tries.min(6))).min(PAUSES[1])).await;
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
        Ok(self.inner.cancel_job(request).await?.into_inner())
    }

    /// The result of a job that has succeeded.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn result(&mut self, id: &str) -> Result<JobResult, ClientError> {
        let request = GetResultRequest { id: id.to_owned() };
        Ok(self.inner.get_result(request).await?.into_inner())
    }
}
