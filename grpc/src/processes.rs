//! The processes that the service starts: children and workers, all of this same program. Each ends when its standard input
//! does, so none outlives the service, whatever kills it.

use crate::failure::{Stage, failure};
use crate::internal::{
    ChildAnswer, ChildRequest, Ready, WorkerReport, WorkerRequest, child_answer::Answer,
    worker_report::Report, worker_request::Request,
};
use crate::protocol::{Failure, FailureClass};
use crate::wire::{receive_async, send_async};
use rustix::process::Signal;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// This program, even if its file was replaced since.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a worker may take to start its device.
const START: Duration = Duration::from_secs(120);
/// How long a worker that reports no more has to end.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes of standard error that are kept to explain a death.
const TAIL: u64 = 1 << 14;

fn command(subcommand: &str) -> Command {
    let mut command = Command::new(THIS_PROGRAM);
    command
        .arg(subcommand)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // They are given absolute paths; what lies where the service was started is not theirs to find.
        .current_dir("/")
        // Ctrl-C is for the service, which drains.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Has a child do one thing, in so much time at most. Dropping the future kills the child.
///
/// # Errors
/// The child's own failure, or that of its death.
pub async fn run_child(request: &ChildRequest, stage: Stage, time: Duration) -> Result<Answer, Failure> {
    let broken = |why: io::Error| failure(FailureClass::Internal, stage, "child.start", why);
    // Nothing of the service's environment is a program's business.
    let mut child = command("child").env_clear().spawn().map_err(broken)?;
    let (mut stdin, mut stdout, stderr) = match (child.stdin.take(), child.stdout.take(), child.stderr.take())
    {
        (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
        _ => return Err(broken(io::ErrorKind::BrokenPipe.into())),
    };
    let said = tokio::spawn(async move {
        let mut said = Vec::new();
        let _ = stderr.take(TAIL).read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    });
    let talk = async {
        send_async(&mut stdin, request).await?;
        receive_async::<ChildAnswer>(&mut stdout).await
    };
    let answer = timeout(time, talk).await.map_err(|_| {
        let message = format!("it took more than {} seconds", time.as_secs());
        let mut late = failure(FailureClass::Resource, stage, "limits.time", message);
        late.retryable = stage == Stage::Verify;
        late
    })?;
    drop(stdin);
    match answer.map(|answer| answer.answer) {
        Ok(Some(Answer::Failure(failure))) => Err(failure),
        Ok(Some(answer)) => Ok(answer),
        Ok(None) | Err(_) => {
            let status = child.wait().await.map_err(broken)?;
            Err(death(stage, status, &said.await.unwrap_or_default()))
        }
    }
}

/// Why a child died, as far as the system and the child say it.
fn death(stage: Stage, status: ExitStatus, said: &str) -> Failure {
    let signal = status.signal().and_then(Signal::from_named_raw);
    let out_of_memory = said.contains("memory allocation of");
    let (class, code, why) = match signal {
        Some(Signal::XCPU) => (
            FailureClass::Resource,
            "limits.cpu_time",
            "the input takes more CPU time than max_child_cpu_seconds",
        ),
        Some(Signal::XFSZ) => (
            FailureClass::Resource,
            "limits.file_size",
            "the input makes a larger file than max_bytes of artifacts",
        ),
        Some(Signal::KILL) => (FailureClass::Resource, "child.killed", "the child was killed"),
        Some(Signal::ABORT) if out_of_memory => (
            FailureClass::Resource,
            "limits.memory",
            "the input takes more memory than max_child_memory_bytes",
        ),
        Some(_) => (FailureClass::InputInvalid, "child.signal", "the child died"),
        None => (FailureClass::Internal, "child.died", "the child died"),
    };
    let said = said.lines().next().unwrap_or_default();
    let mut failure = failure(class, stage, code, format!("{why}: {status}: {said}"));
    // The same input would kill the next one too; unless the system did, which was short of memory, or there was no input to
    // do it: a proof.
    failure.retryable = stage == Stage::Verify || matches!(signal, Some(Signal::KILL));
    failure
}

/// A worker process, whose device is ready.
pub struct Worker {
    /// What the device is, and why it is that.
    pub device: Ready,
    process: Child,
    stdin: ChildStdin,
    reports: mpsc::Receiver<Report>,
    said: Arc<Mutex<String>>,
    logging: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker and waits for its device.
    ///
    /// # Errors
    /// What the worker said, if it did not become ready.
    pub async fn start(device: &str) -> io::Result<Self> {
        let mut process = command("worker").args(["--device", device]).spawn()?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let said = Arc::default();
        let logging = tokio::spawn(log(device.to_owned(), stderr, Arc::clone(&said)));
        let (send, reports) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut stdout = stdout;
            while let Ok(WorkerReport { report: Some(report) }) = receive_async(&mut stdout).await {
                if send.send(report).await.is_err() {
                    break;
                }
            }
        });
        let mut worker = Self {
            device: Ready::default(),
            process,
            stdin,
            reports,
            said,
            logging,
        };
        match timeout(START, worker.reports.recv()).await {
            Ok(Some(Report::Ready(device))) => {
                worker.device = device;
                Ok(worker)
            }
            Ok(_) => Err(io::Error::other(worker.end().await)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Sends a request; a worker that is dead says so by its reports.
    pub async fn ask(&mut self, request: Request) {
        let request = WorkerRequest {
            request: Some(request),
        };
        if let Err(why) = send_async(&mut self.stdin, &request).await {
            tracing::debug!(%why, "a worker does not listen");
        }
    }

    /// The next report; `None` once the worker is dead.
    pub async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// How a worker ended that is dead.
    pub async fn end(mut self) -> String {
        // What does not end by itself is made to: a worker that does not report is of no use.
        let status = match timeout(LAST_WORDS, self.process.wait()).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        };
        let _ = timeout(LAST_WORDS, &mut self.logging).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match status {
            Ok(status) => format!("{status}: {said}"),
            Err(why) => format!("{why}: {said}"),
        }
    }

    /// Kills the worker.
    pub async fn kill(&mut self) -> io::Result<ExitStatus> {
        self.process.start_kill()?;
        self.process.wait().await
    }
}

/// Passes what a worker says on standard error on to the log; keeps the line that tells most: the last that speaks of an
/// error, or else the last.
async fn log(device: String, stderr: impl AsyncRead + Unpin, said: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::warn!(device, "worker: {line}");
        let tells = |line: &str| line.contains("error") || line.contains("panicked");
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if tells(&line) || !tells(&said) {
            *said = line;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_input_is_not_to_blame_for_is_tried_again() {
        let dies = |stage, signal: Signal| {
            let status = ExitStatus::from_raw(signal.as_raw());
            death(stage, status, "").retryable
        };
        assert!(!dies(Stage::Prepare, Signal::SEGV));
        assert!(dies(Stage::Prepare, Signal::KILL));
        assert!(dies(Stage::Verify, Signal::SEGV));
    }
}
