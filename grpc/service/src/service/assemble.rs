//! Puts the parts of the service together: scheduler, APIs and pages on their sockets.

use super::api::Api;
use super::bodies::{Bounded, Calls, MAX_BYTES_OF_CLIENTS, MAX_BYTES_OF_STRANGERS, Memory};
use super::calls::TimeLayer;
use super::identity::{Reloadable, authenticator};
use super::interceptors::{self, AuthInterceptor, RateInterceptor};
use super::listen::Sockets;
use super::open::Data;
use super::operators::AdminApi;
use super::rates::Limiter;
use super::reload::{Reloader, warn_of_tenants};
use super::sessions::Sessions;
use super::sessions_api::SessionsApi;
use super::signing::{OwnKey, now};
use super::socket::SocketFile;
use super::{ServeError, connections, http, pages, receipts};
use crate::config::{Config, ConfigError};
use crate::scheduler::Scheduler;
use quarry_client::admin::{self, admin_server};
use quarry_client::protocol::DESCRIPTORS;
use quarry_client::protocol::prover_server::ProverServer;
use quarry_client::protocol::sessions_server::SessionsServer;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Server};
use tonic_health::server::{HealthReporter, health_reporter};
use tower::util::MapResponseLayer;

/// Largest request message: a 1 MiB upload chunk and its framing.
const MAX_MESSAGE_BYTES: usize = (1 << 20) + 64;
/// Maximum size of a request's headers.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// Maximum concurrent requests per connection.
const MAX_STREAMS: u32 = 128;
/// Interval between HTTP/2 keepalive pings.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Interval between health checks.
const HEALTH: Duration = Duration::from_secs(1);

/// The running service.
pub struct Running {
    /// Its scheduler.
    pub scheduler: Arc<Scheduler>,
    /// Serves gRPC once it is polled.
    pub serving: Pin<Box<dyn Future<Output = Result<(), tonic::transport::Error>> + Send>>,
    /// Notified when an operator requests a drain.
    pub drain: Arc<Notify>,
    /// Reloads the configuration.
    pub reloader: Arc<Reloader>,
    _admin_file: SocketFile,
}

/// Starts everything but gRPC, whose future is returned. The scheduler starts after all that can be refused.
///
/// # Errors
/// [`ServeError`].
pub async fn assemble(config: &Config, data: Data, sockets: Sockets) -> Result<Running, ServeError> {
    warn_of_tenants(config);
    let addresses = Limiter::new(&config.rates);
    let signing = OwnKey::of(config)?;
    let sessions = Sessions::new(now());
    let clients = Reloadable::new(authenticator(config, &sessions)?);
    let sequencer_keys = config.sequencer_keys()?;
    let collector = config.otlp_endpoint.as_deref().map(collector).transpose()?;
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Many clients still use the older reflection API.
    let (reflection, older_reflection) = (described().build_v1()?, described().build_v1alpha()?);
    let admin_reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(admin::DESCRIPTORS)
        .with_service_name(admin_server::SERVICE_NAME)
        .build_v1()?;

    let settings = data.settings(config);
    let scheduler = Scheduler::start(settings, data.store, Arc::clone(&data.artifacts) as _).await?;
    scheduler.set_sequencer_keys(sequencer_keys);
    if let Some(collector) = collector {
        tokio::spawn(crate::otlp::export(scheduler.changes(), collector));
    }
    if let Some(own) = &signing {
        let (scheduler, own) = (Arc::clone(&scheduler), Arc::clone(own));
        tokio::spawn(receipts::sign_all(scheduler.changes(), scheduler, own));
    }
    if let Some(tls) = &sockets.tls {
        scheduler.metrics().certificates(&tls.expiries());
    }
    let drain = Arc::new(Notify::new());
    let reloader = Arc::new(Reloader {
        file: config.file.clone(),
        running: Mutex::new(config.clone()),
        clients: Arc::clone(&clients),
        sessions: Arc::clone(&sessions),
        addresses: Arc::clone(&addresses),
        tls: sockets.tls.clone(),
        scheduler: Arc::clone(&scheduler),
    });
    let operators = AdminApi {
        scheduler: Arc::clone(&scheduler),
        artifacts: Arc::clone(&data.artifacts) as _,
        folder: data.folder.join("artifacts"),
        reloader: Arc::clone(&reloader),
        drain: Arc::clone(&drain),
    };
    let admin = Server::builder()
        .layer(MapResponseLayer::new(interceptors::blamed))
        .add_service(admin_server::AdminServer::new(operators))
        .add_service(admin_reflection);
    tokio::spawn(admin.serve_with_incoming(UnixListenerStream::new(sockets.admin)));
    let shows_status = config.shows_status_page();
    let pages = pages::pages(Arc::clone(&scheduler), shows_status, config.http.ip());
    tokio::spawn(http::serve(sockets.http, pages));

    let auth = AuthInterceptor {
        authenticator: Arc::clone(&clients) as _,
        addresses: Arc::clone(&addresses),
        scheduler: Arc::clone(&scheduler),
    };
    let rate_only = RateInterceptor(Arc::clone(&addresses));
    let of_keys = SessionsApi {
        own: signing.clone(),
        admission: config.admission(),
        authenticator: Arc::clone(&clients) as _,
        addresses: Arc::clone(&addresses),
        sessions,
        scheduler: Arc::clone(&scheduler),
    };
    let api = Api::new(
        Arc::clone(&scheduler),
        data.artifacts,
        clients,
        Arc::clone(&addresses),
        signing,
        config,
    );
    let memory = Memory::new(MAX_BYTES_OF_CLIENTS);
    let stall = Duration::from_secs(config.max_client_stall_seconds);
    let api = ProverServer::new(api).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let api = Bounded::new(api, Calls::OfClients, memory.clone(), stall);
    let reflection = Bounded::new(reflection, Calls::Streams, memory.clone(), stall);
    let older_reflection = Bounded::new(older_reflection, Calls::Streams, memory, stall);
    let of_strangers = Memory::new(MAX_BYTES_OF_STRANGERS);
    let of_keys = SessionsServer::new(of_keys).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let of_keys = Bounded::new(of_keys, Calls::OfStrangers, of_strangers.clone(), stall);
    let (reporter, health) = health_reporter();
    let health = Bounded::new(health, Calls::OfStrangers, of_strangers, stall);
    tokio::spawn(report_health(reporter, Arc::clone(&scheduler), addresses));
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .layer(TimeLayer(Arc::clone(&scheduler)))
        .layer(MapResponseLayer::new(interceptors::blamed))
        .add_service(InterceptedService::new(api, auth.clone()))
        .add_service(InterceptedService::new(health, rate_only.clone()))
        .add_service(InterceptedService::new(of_keys, rate_only))
        .add_service(InterceptedService::new(reflection, auth.clone()))
        .add_service(InterceptedService::new(older_reflection, auth))
        .serve_with_incoming(connections::incoming(sockets.grpc, sockets.places, sockets.tls));
    Ok(Running {
        scheduler,
        serving: Box::pin(serving),
        drain,
        reloader,
        _admin_file: sockets.admin_file,
    })
}

/// Channel to the collector of traces.
fn collector(endpoint: &str) -> Result<Channel, ConfigError> {
    crate::otlp::connect(endpoint).map_err(|why| {
        let why = crate::failure::chain(&why);
        ConfigError::Refused(format!("otlp_endpoint '{endpoint}': {why}"))
    })
}

/// Updates the gRPC health status from the scheduler's readiness, and drops idle rate limit buckets.
async fn report_health(reporter: HealthReporter, scheduler: Arc<Scheduler>, addresses: Arc<Limiter>) {
    loop {
        match scheduler.why_not_ready().is_empty() {
            true => reporter.set_serving::<ProverServer<Api>>().await,
            false => reporter.set_not_serving::<ProverServer<Api>>().await,
        }
        addresses.forget();
        tokio::time::sleep(HEALTH).await;
    }
}
