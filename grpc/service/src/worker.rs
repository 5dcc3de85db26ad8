//! The worker: a process that owns one device and proves jobs one after another. A driver crash kills only this
//! process.

use crate::child::prepare::{PARAMETERS, PRIVATE_INPUT, PUBLIC_INPUT};
use crate::child::verify::{ANNOTATIONS, PROOF};
use crate::child::{handed, limits};
use crate::crash;
use crate::failure::{Stage, chain, failure};
use crate::internal::{
    Progress, Prove, ProveFailed, Proved, Ready, WorkerReport, WorkerRequest, worker_report::Report,
    worker_request::Request,
};
use crate::wire;
use quarry_client::protocol::{FailureClass, PhaseTime};
use quarry_hw_profiles::HostMemory;
use quarry_kernels::{Backend, DeviceError};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::memory_plan::MemoryPlanError;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::progress::{Cancel, Observer, Phase};
use quarry_prover_core::prover::{self, ProveError, ProveOptions};
use quarry_prover_core::statement::Statement;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Minimum interval between progress reports within a phase.
const TICK: Duration = Duration::from_millis(200);

/// Reads requests from standard input and proves them on the device. The process exits when standard input is closed,
/// even in the middle of a proof: the service has ended. `fallback` says why the device is the CPU, if a GPU was
/// wanted.
///
/// # Errors
/// If reports cannot be sent to the service, or no thread can be started.
pub fn run<D: Backend>(device: &D, fallback: Option<String>) -> io::Result<()> {
    limits::first_to_go();
    let (tasks, next) = mpsc::channel();
    let current: Arc<Mutex<(u64, Arc<Cancel>)>> = Arc::default();
    let heard = Arc::clone(&current);
    std::thread::Builder::new().spawn(move || {
        let mut input = io::stdin();
        while let Ok(request) = wire::receive::<WorkerRequest>(&mut input) {
            let mut current = heard.lock().unwrap_or_else(PoisonError::into_inner);
            match request.request {
                Some(Request::Prove(job)) => {
                    let cancel = Arc::new(Cancel::default());
                    *current = (job.lease, Arc::clone(&cancel));
                    if tasks.send(Task::Prove(job, cancel)).is_err() {
                        break;
                    }
                }
                // The loop that proves must answer: this thread would also live if that loop hung.
                Some(Request::Ping(_)) => {
                    if tasks.send(Task::Answer).is_err() {
                        break;
                    }
                }
                Some(Request::Cancel(lease)) if lease == current.0 => current.1.cancel(),
                Some(Request::Cancel(_)) | None => {}
            }
        }
        std::process::exit(0);
    })?;
    report(Report::Ready(Ready {
        description: device.name(),
        fallback: fallback.unwrap_or_default(),
        memory_bytes: device.memory_bytes().unwrap_or(0),
        host_memory_bytes: HostMemory::probe().total_bytes.unwrap_or(0),
    }))?;
    for task in next {
        report(match task {
            Task::Prove(job, cancel) => match attempt(device, &job, &cancel) {
                Ok(proved) => Report::Proved(proved),
                Err(error) => Report::Failed(failed(device, &job, &error)),
            },
            Task::Answer => Report::Pong(true),
        })?;
    }
    Ok(())
}

/// What the worker does, one after another.
enum Task {
    /// Prove a job, unless it is cancelled.
    Prove(Prove, Arc<Cancel>),
    /// Answer a ping.
    Answer,
}

fn report(report: Report) -> io::Result<()> {
    let report = WorkerReport { report: Some(report) };
    wire::send(&mut io::stdout().lock(), &report)
}

/// Reports progress to the service.
struct ProgressReporter {
    lease: u64,
    state: Mutex<(Instant, Option<Phase>)>,
}

impl Observer for ProgressReporter {
    fn begin(&self, phase: Phase, fraction: f64) {
        self.tell(Some(phase), fraction);
    }

    fn advance(&self, fraction: f64) {
        self.tell(None, fraction);
    }
}

impl ProgressReporter {
    fn tell(&self, begun: Option<Phase>, fraction: f64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.is_none() && state.0.elapsed() < TICK {
            return;
        }
        let phase = begun.or(state.1);
        *state = (Instant::now(), phase);
        // If the service has ended, the reader thread exits the process.
        let _ = report(Report::Progress(Progress {
            lease: self.lease,
            stage: phase.map_or("", Phase::name).to_owned(),
            progress: fraction,
        }));
    }
}

/// Why an attempt made no proof.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    /// The attempt's input files cannot be read, or are not as the preparation wrote them.
    #[error("{}", chain(.0.as_ref()))]
    Files(Box<dyn Error>),
    /// The proof files cannot be written.
    #[error("{0}")]
    Disk(io::Error),
    /// The prover failed.
    #[error("{}", chain(.0))]
    Prove(#[from] ProveError),
}

/// Proves a job. If that fails, and the files are not those that the preparation accepted, it tells that: then neither
/// the input nor the device is at fault.
fn attempt<D: Backend>(device: &D, job: &Prove, cancel: &Cancel) -> Result<Proved, AttemptError> {
    prove(device, job, cancel).map_err(|error| match error {
        AttemptError::Prove(ProveError::Device(DeviceError::Cancelled)) => error,
        _ => match handed::check(Path::new(&job.folder), &job.digests) {
            Err(damage) => AttemptError::Files(damage.into()),
            Ok(()) => error,
        },
    })
}

fn prove<D: Backend>(device: &D, job: &Prove, cancel: &Cancel) -> Result<Proved, AttemptError> {
    let folder = Path::new(&job.folder);
    let unreadable = |error: Box<dyn Error>| AttemptError::Files(error);
    let input = ProverInput::read(&folder.join(PUBLIC_INPUT), &folder.join(PRIVATE_INPUT))
        .map_err(|error| unreadable(error.into()))?;
    let text = fs::read_to_string(folder.join(PARAMETERS)).map_err(|error| unreadable(error.into()))?;
    let parameters = Parameters::parse(&text).map_err(|error| unreadable(error.into()))?;
    if let Some(error) = crash::device_fault(&device.name()) {
        return Err(AttemptError::Prove(error));
    }
    if let Some(bytes) = crash::proof_made_before() {
        return written(job, device.name(), &bytes, None, Vec::new());
    }
    let reporter = ProgressReporter {
        lease: job.lease,
        state: Mutex::new((Instant::now(), None)),
    };
    let options = ProveOptions {
        annotations: job.annotations,
        memory_budget: None,
        observer: &reporter,
        cancel: Some(cancel),
    };
    let statement = Statement::new(&input.public, &parameters).map_err(ProveError::from)?;
    let proof = prover::prove(device, &statement, &input, &options)?;
    let phases = proof.statistics.phases.iter().map(|phase| PhaseTime {
        phase: phase.phase.name().to_owned(),
        time: phase.time.try_into().ok(),
        device_peak_bytes: phase.peak_bytes,
    });
    let phases = phases.collect();
    let device = proof.statistics.device;
    written(job, device, &proof.bytes, proof.annotations, phases)
}

/// Writes the files of a proof.
fn written(
    job: &Prove,
    device: String,
    proof: &[u8],
    annotations: Option<Vec<String>>,
    phases: Vec<PhaseTime>,
) -> Result<Proved, AttemptError> {
    let folder = Path::new(&job.folder);
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).map_err(AttemptError::Disk);
    let mut written = vec![PROOF];
    write(PROOF, proof)?;
    if let Some(annotations) = annotations {
        write(ANNOTATIONS, serde_json::json!(annotations).to_string().as_bytes())?;
        written.push(ANNOTATIONS);
    }
    Ok(Proved {
        lease: job.lease,
        phases,
        device,
        digests: handed::digests(folder, &written).map_err(AttemptError::Disk)?,
    })
}

fn failed<D: Backend>(device: &D, job: &Prove, error: &AttemptError) -> ProveFailed {
    use DeviceError::{Cancelled, OutOfMemory};
    let (class, code) = match error {
        AttemptError::Files(_) => (FailureClass::Internal, "worker.files"),
        AttemptError::Disk(_) => (FailureClass::Internal, "worker.disk"),
        AttemptError::Prove(ProveError::Device(Cancelled)) => (FailureClass::Cancelled, "prove.cancelled"),
        AttemptError::Prove(ProveError::Device(OutOfMemory { .. }) | ProveError::Memory(_)) => {
            (FailureClass::Resource, "prove.device_memory")
        }
        AttemptError::Prove(ProveError::Device(_)) => (FailureClass::Device, "prove.device"),
        AttemptError::Prove(_) => (FailureClass::InputInvalid, "input.air"),
    };
    let message = error.to_string().replace(&format!("{}/", job.folder), "");
    let mut failure = failure(class, Stage::Prove, code, message);
    // Memory that ran out against the plan may be in use by another process.
    failure.retryable |= matches!(error, AttemptError::Prove(ProveError::Device(OutOfMemory { .. })));
    let no_room = match error {
        AttemptError::Prove(ProveError::Memory(MemoryPlanError::TooLarge { needed, .. })) => {
            device.memory_bytes().is_none_or(|all| *needed <= all)
        }
        _ => false,
    };
    ProveFailed {
        lease: job.lease,
        failure: Some(failure),
        no_room,
    }
}
