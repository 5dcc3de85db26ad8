//! `quarry serve`: the appliance.

use crate::cli::device::Choice;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::systemd::Manager;
use crate::cli::terminal;
use quarry_grpc::config::Config;
use quarry_grpc::service;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::filter::LevelFilter;

/// Examples for `serve --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry serve
      on 127.0.0.1:7474, with the first card that can be used, or else the CPU
  quarry serve --data /var/lib/quarry --device cuda:0 --device cuda:1
  quarry serve --config quarry.toml --print-config
      what the file, the environment and the flags come to

Flags win over the environment, the environment over the file. SIGTERM drains: what is on devices
may end, the rest waits for the next start; a second signal ends it at once. Nothing that was accepted is lost, however it ends.

http://127.0.0.1:7475 is the status page, with /metrics (Prometheus), /healthz and /readyz. A unit
for systemd, a Containerfile, alert rules and a dashboard are in grpc/deploy of the repository.";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "QUARRY_CONFIG")]
    config: Option<PathBuf>,
    /// Print the configuration, and serve nothing
    #[arg(long)]
    print_config: bool,
    /// Folder of the store and of all files
    #[arg(long, value_name = "FOLDER", env = "QUARRY_DATA")]
    data: Option<PathBuf>,
    /// Where gRPC is served
    #[arg(long, value_name = "IP:PORT", env = "QUARRY_LISTEN")]
    listen: Option<SocketAddr>,
    /// Where the status page, /healthz, /readyz and /metrics are served
    #[arg(long, value_name = "IP:PORT", env = "QUARRY_HTTP")]
    http: Option<SocketAddr>,
    /// The admin service's socket [default: admin.sock in the folder of the data]
    #[arg(long, value_name = "FILE", env = "QUARRY_ADMIN")]
    admin: Option<PathBuf>,
    /// A device to prove on; repeat it for more
    #[arg(
        long = "device",
        value_name = "auto|cpu|cuda[:N]|wgpu[:N]",
        env = "QUARRY_DEVICES",
        value_delimiter = ','
    )]
    devices: Vec<crate::cli::device::Choice>,
    /// How long what is on devices may go on after SIGTERM
    #[arg(long, value_name = "SECONDS", env = "QUARRY_DRAIN_SECONDS")]
    drain_seconds: Option<u64>,
    /// Where traces of jobs are sent, by OTLP over gRPC
    #[arg(long, value_name = "http://HOST:PORT", env = "QUARRY_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    /// How to log, on standard error
    #[arg(long, value_enum, default_value_t, env = "QUARRY_LOG_FORMAT")]
    log_format: LogFormat,
    /// How much to log: nothing of it tells a token or an input
    #[arg(
        long,
        value_name = "error|warn|info|debug|trace",
        default_value = "info",
        env = "QUARRY_LOG_LEVEL"
    )]
    log_level: LevelFilter,
}

/// How events are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// JSON lines.
    Json,
}

impl Args {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = match &self.config {
            Some(path) => Config::read(path).or_bad_input()?,
            None => Config::default(),
        };
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        if !self.devices.is_empty() {
            config.devices = self.devices.iter().map(ToString::to_string).collect();
        }
        config.admin = self.admin.clone().or(config.admin);
        config.listen = self.listen.unwrap_or(config.listen);
        config.http = self.http.unwrap_or(config.http);
        config.drain_seconds = self.drain_seconds.unwrap_or(config.drain_seconds);
        if self.otlp_endpoint.is_some() {
            config.otlp_endpoint.clone_from(&self.otlp_endpoint);
        }
        for device in &config.devices {
            let known: Result<Choice, _> = device.parse();
            known.map_err(|why| Failure::bad_input(format!("devices: {why}")))?;
        }
        Ok(config)
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = args.config()?;
    if args.print_config {
        return terminal::print(config.to_text().or_bad_input()?);
    }
    let log = tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        // A log that cannot be written, to a disk that is full, is no reason to end.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a defect")));
    let manager = Arc::new(Manager::from_env());
    let internal = |why| Failure::new(Kind::Internal, why);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(internal)?;
    let served = runtime.block_on(async {
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let (mut terminate, mut interrupt) = (terminate.map_err(internal)?, interrupt.map_err(internal)?);
        // How many signals came: one drains, one more while it drains ends it.
        let (came, mut heard) = watch::channel(0u32);
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                came.send_modify(|n| *n += 1);
            }
        });
        let (drains, drain) = oneshot::channel();
        let before = heard.clone();
        let draining = || {
            manager.tell("STOPPING=1\nSTATUS=draining");
            let _ = drains.send(*before.borrow());
        };
        let mut again = heard.clone();
        let hurry = async {
            if let Ok(n) = drain.await {
                let _ = again.wait_for(|came| *came > n).await;
            } else {
                std::future::pending().await
            }
        };
        let stop = async {
            let _ = heard.wait_for(|came| *came > 0).await;
        };
        let ready = |at: service::Addresses| {
            tracing::info!(address = %at.grpc, http = %at.http, "serving");
            manager.tell(&format!(
                "READY=1\nSTATUS=serving on {}, pages on {}",
                at.grpc, at.http
            ));
        };
        if let Some(often) = manager.watchdog() {
            let manager = Arc::clone(&manager);
            tokio::spawn(async move {
                loop {
                    manager.tell("WATCHDOG=1");
                    tokio::time::sleep(often).await;
                }
            });
        }
        let served = tokio::select! {
            served = service::serve(&config, ready, stop, draining) => served,
            () = hurry => {
                tracing::warn!("told again: what is on devices begins anew at the next start");
                Ok(())
            }
        };
        served.map_err(|error| match error {
            service::ServeError::Transport(_) | service::ServeError::Reflection(_) => {
                Failure::from_error(Kind::Internal, &error)
            }
            // A port, a folder or a store that this service cannot have.
            error => Failure::from_error(Kind::BadInput, &error),
        })
    });
    // Reads that wait for a disk or a client hold nothing that is not on disk.
    runtime.shutdown_background();
    served
}
