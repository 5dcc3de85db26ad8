//! `quarry serve`: runs the proving service.

use crate::cli::device::DeviceSelection;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::signals::{self, Signals};
use crate::cli::systemd::Manager;
use crate::cli::{terminal, threads};
use quarry_service::config::{Config, parse_address};
use quarry_service::store::catches_panics;
use quarry_service::{log, service};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing_subscriber::filter::LevelFilter;

/// Examples for `serve --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry serve
      listens on 127.0.0.1:7474; proves on the first usable GPU, or else on the CPU
  quarry serve --data /var/lib/quarry --device cuda:0 --device cuda:1
  quarry serve --config quarry.toml --print-config
      prints the configuration that results from file, environment and flags

Flags override environment variables, which override the file. SIGTERM drains: jobs on devices may
finish, the others wait for the next start. A long proof gets the time that it should take, up to
max_drain_seconds (an hour). A second signal stops the service at once. Either way no accepted job is
lost. SIGHUP reads clients, rates, limits, sequencers' keys and TLS files of the configuration again.

The log goes to standard error. If its reader is too slow, the service drops lines and counts them; it does not wait.

http://127.0.0.1:7475 serves the status page, /metrics (Prometheus), /healthz and /readyz. A systemd
unit, a Containerfile, alert rules and a dashboard are in grpc/deploy of the repository.";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "QUARRY_CONFIG")]
    config: Option<PathBuf>,
    /// Print the resulting configuration and exit
    #[arg(long)]
    print_config: bool,
    /// Data folder: the store and all files [default: quarry-data]
    #[arg(long, value_name = "FOLDER", env = "QUARRY_DATA")]
    data: Option<PathBuf>,
    /// Address for gRPC [default: 127.0.0.1:7474]
    #[arg(long, value_name = "HOST:PORT", env = "QUARRY_LISTEN", value_parser = parse_address)]
    listen: Option<SocketAddr>,
    /// Address for the status page, /healthz, /readyz and /metrics [default: 127.0.0.1:7475]
    #[arg(long, value_name = "HOST:PORT", env = "QUARRY_HTTP", value_parser = parse_address)]
    http: Option<SocketAddr>,
    /// Admin socket, for `quarry admin` [default: admin.sock in the data folder]
    #[arg(long, value_name = "FILE", env = "QUARRY_ADMIN")]
    admin: Option<PathBuf>,
    /// Device to prove on; repeat it for several devices [default: auto]
    #[arg(
        long = "device",
        value_name = "auto|cpu|cuda[:N]|wgpu[:N]",
        env = "QUARRY_DEVICES",
        value_delimiter = ','
    )]
    devices: Vec<crate::cli::device::DeviceSelection>,
    /// How long any job on a device may continue after SIGTERM, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS", env = "QUARRY_DRAIN_SECONDS")]
    drain_seconds: Option<u64>,
    /// Send traces of jobs to this OTLP collector (gRPC) [default: none]
    #[arg(long, value_name = "http://HOST:PORT", env = "QUARRY_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    /// Format of the log on standard error
    #[arg(long, value_enum, default_value_t, env = "QUARRY_LOG_FORMAT")]
    log_format: LogFormat,
    /// Level of the log; no level logs tokens or private inputs
    #[arg(
        long,
        value_name = "error|warn|info|debug|trace",
        default_value = "info",
        env = "QUARRY_LOG_LEVEL"
    )]
    log_level: LevelFilter,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// Text.
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
            let known: Result<DeviceSelection, _> = device.parse();
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
    let internal = |why| Failure::new(Kind::Internal, why);
    threads::check()?;
    // The guard writes the last lines when this returns.
    let (writer, _guard) = log::on_standard_error().map_err(internal)?;
    let log = tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        // A log that cannot be written, for example to a full disk, must not stop the service.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| match catches_panics() {
        // The caller gets an error, and so does the log.
        true => tracing::warn!(%panic, "the store's library met damage"),
        false => tracing::error!(%panic, "panic: this is a bug in Quarry"),
    }));
    let manager = Arc::new(Manager::from_env());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(internal)?;
    let served = runtime.block_on(async {
        let Signals {
            stops: mut heard,
            reload,
        } = signals::listen().map_err(internal)?;
        let (drains, drain) = oneshot::channel();
        let before = heard.clone();
        let draining = || {
            manager.tell("STOPPING=1\nSTATUS=draining");
            let manager = Arc::clone(&manager);
            tokio::spawn(async move { manager.extend_stop().await });
            let _ = drains.send(*before.borrow());
        };
        let mut again = heard.clone();
        let hurry = async {
            if let Ok(n) = drain.await {
                let _ = again.wait_for(|came| *came > n).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let stop = async {
            let _ = heard.wait_for(|came| *came > 0).await;
        };
        let ready = |at: service::Addresses| {
            tracing::info!(
                address = %at.grpc,
                http = %at.http,
                status_page = at.status_page,
                data = %at.data.display(),
                "serving"
            );
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
            served = service::serve(&config, ready, stop, draining, reload) => served,
            () = hurry => {
                tracing::warn!("told again to stop: jobs on devices start over at the next start");
                Ok(())
            }
        };
        served.map_err(|error| match error {
            service::ServeError::Transport(_) | service::ServeError::Reflection(_) => {
                Failure::from_error(Kind::Internal, &error)
            }
            // The port, the folder or the store cannot be used.
            error => Failure::from_error(Kind::BadInput, &error),
        })
    });
    // Blocking reads that are still waiting hold no state that is not on disk.
    runtime.shutdown_background();
    served
}
