//! `quarry admin`: operates a service that runs on this machine, through its admin socket.

use crate::cli::failure::{Failure, Kind};
use crate::cli::table::bytes;
use crate::cli::terminal;
use quarry_client::ClientError;
use quarry_client::admin::admin_client::AdminClient;
use quarry_client::admin::{
    BackUpRequest, CheckRequest, CompactRequest, DrainRequest, GetStatusRequest, PauseRequest,
    ReloadClientsRequest, ReloadClientsResponse, ReproveRequest, ResumeRequest, Status as Standing,
};
use serde_json::json;
use std::path::PathBuf;
use tonic::transport::{Channel, Endpoint};

/// Examples for `admin --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry admin --data /var/lib/quarry status
  quarry admin pause 'replacing the GPU'
      devices take no new jobs, even after a restart, until: quarry admin resume
  quarry admin backup /var/lib/quarry/copy.redb && cp -an /var/lib/quarry/artifacts /backup/
      the service writes the copy; in this order: artifacts never change, so their later copy has all that
      the store refers to
  quarry admin reprove 0192f0c4d5e67890
      makes a proof again whose file is damaged or lost; `quarry admin check` names the jobs
  quarry admin reload
      after changing clients, rates, limits, sequencers' keys or TLS in the configuration file, or
      renewing a certificate

Only the owner of the socket can open it (mode 0600); access to the socket is full control.";

/// Arguments of `admin`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Admin socket of the service [default: admin.sock in the data folder]
    #[arg(long, value_name = "FILE", env = "QUARRY_ADMIN", global = true)]
    socket: Option<PathBuf>,
    /// Data folder of the service
    #[arg(
        long,
        value_name = "FOLDER",
        env = "QUARRY_DATA",
        default_value = "quarry-data",
        global = true
    )]
    data: PathBuf,
    #[command(subcommand)]
    action: Action,
}

impl Args {
    /// Whether the action prints JSON on standard output: the actions that show the service's status do.
    pub fn is_json(&self) -> bool {
        matches!(
            self.action,
            Action::Status | Action::Pause { .. } | Action::Resume | Action::Drain
        )
    }
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the status as JSON: devices, queue, disk, and why the service is not ready if it is not
    Status,
    /// Stop devices from taking new jobs; jobs that are running continue
    Pause {
        /// Reason, shown to other operators and to clients
        #[arg(default_value = "no reason given")]
        reason: String,
    },
    /// Let devices take jobs again
    Resume,
    /// Let jobs on devices finish, then stop the service
    Drain,
    /// Copy the store, as of one moment, to a new file
    Backup {
        /// Path of the copy; the file must not exist
        file: PathBuf,
    },
    /// Compare every file that jobs still need with its digest
    Check,
    /// Give the disk space of removed jobs back; calls that need the store wait meanwhile
    Compact,
    /// Make the proof of a job again, under its id and its key, if its file is damaged or lost
    Reprove {
        /// Job id
        id: String,
    },
    /// Read clients, rates, limits, sequencers' keys and TLS files again, as SIGHUP does; says what changed and what
    /// needs a restart
    Reload,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::new(Kind::Internal, why))?;
    runtime.block_on(ask(args))
}

async fn connect(args: &Args) -> Result<AdminClient<Channel>, Failure> {
    let socket = args
        .socket
        .clone()
        .unwrap_or_else(|| args.data.join("admin.sock"));
    let refused = |source| {
        Failure::from(ClientError::Connect {
            server: format!("'{}'", socket.display()),
            source,
        })
    };
    let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).map_err(refused)?;
    Ok(AdminClient::new(endpoint.connect().await.map_err(refused)?))
}

async fn ask(args: &Args) -> Result<(), Failure> {
    let mut service = connect(args).await?;
    let standing = match &args.action {
        Action::Status => service.get_status(GetStatusRequest {}).await,
        Action::Pause { reason } => {
            let reason = reason.clone();
            service.pause(PauseRequest { reason }).await
        }
        Action::Resume => service.resume(ResumeRequest {}).await,
        Action::Drain => service.drain(DrainRequest {}).await,
        Action::Backup { file } => return back_up(&mut service, file).await,
        Action::Check => return check(&mut service).await,
        Action::Compact => return compact(&mut service).await,
        Action::Reprove { id } => return reprove(&mut service, id).await,
        Action::Reload => {
            let answer = service.reload_clients(ReloadClientsRequest {}).await;
            tell_reload(&answer.map_err(ClientError::from)?.into_inner());
            return Ok(());
        }
    };
    show(&standing.map_err(ClientError::from)?.into_inner())
}

fn tell_reload(reloaded: &ReloadClientsResponse) {
    let list = |keys: &[String]| match keys {
        [] => "nothing".to_owned(),
        keys => keys.join(", "),
    };
    terminal::tell(format_args!(
        "{} clients loaded\nchanged: {}\nneeds a restart: {}\n",
        reloaded.n_clients,
        list(&reloaded.changed),
        list(&reloaded.needs_restart)
    ));
}

async fn back_up(service: &mut AdminClient<Channel>, file: &std::path::Path) -> Result<(), Failure> {
    // The service may run in another working directory.
    let file = std::path::absolute(file).map_err(Failure::bad_input)?;
    let path = file
        .to_str()
        .ok_or_else(|| Failure::bad_input("the copy's path is not UTF-8"))?;
    let path = path.to_owned();
    let answer = service.back_up(BackUpRequest { path }).await;
    let artifacts = answer.map_err(ClientError::from)?.into_inner().artifacts;
    terminal::tell(format_args!(
        "store copied to '{}'; now copy its artifacts from '{artifacts}'\n",
        file.display()
    ));
    Ok(())
}

async fn check(service: &mut AdminClient<Channel>) -> Result<(), Failure> {
    let answer = service.check(CheckRequest {}).await;
    let answer = answer.map_err(ClientError::from)?.into_inner();
    if !answer.wrong.is_empty() {
        return Err(Failure::new(Kind::Rejected, answer.wrong.join("\n")));
    }
    terminal::tell(format_args!(
        "all {} required files are present and whole\n",
        answer.n_files
    ));
    Ok(())
}

async fn compact(service: &mut AdminClient<Channel>) -> Result<(), Failure> {
    let answer = service.compact(CompactRequest {}).await;
    let compacted = answer.map_err(ClientError::from)?.into_inner();
    terminal::tell(format_args!(
        "the store has {} ({} before)\n",
        bytes(compacted.bytes_after),
        bytes(compacted.bytes_before)
    ));
    Ok(())
}

async fn reprove(service: &mut AdminClient<Channel>, id: &str) -> Result<(), Failure> {
    let answer = service.reprove(ReproveRequest { id: id.to_owned() }).await;
    let job = answer.map_err(ClientError::from)?.into_inner().job;
    let job = job.unwrap_or_default();
    terminal::tell(format_args!(
        "{}: {}, to be proved again\n",
        job.id,
        job.state().name()
    ));
    Ok(())
}

fn show(standing: &Standing) -> Result<(), Failure> {
    let devices = standing.devices.iter().map(|device| {
        json!({"name": device.name, "description": device.description, "job": device.job_id,
               "starts": device.starts, "note": device.note})
    });
    let value = json!({
        "version": standing.version,
        "devices": devices.collect::<Vec<_>>(),
        "waiting": standing.waiting,
        "proving": standing.proving,
        "oldest_seconds": standing.oldest_seconds,
        "paused": standing.paused,
        "draining": standing.draining,
        "disk_free": standing.disk_free,
        "disk_watermark": standing.disk_watermark,
        "not_ready": standing.not_ready,
    });
    terminal::print(format!("{value:#}\n"))
}
