//! Child and worker processes that the service starts from its own executable. Each exits when its standard input is
//! closed, so none outlives the service, however the service ends.

use crate::failure::{Stage, failure};
use crate::internal::{
    ChildAnswer, ChildRequest, Ready, WorkerReport, WorkerRequest, child_answer::Answer,
    worker_report::Report, worker_request::Request,
};
use crate::pulse::{LOOKS, Pulse};
use crate::wire::{receive_async, send_async};
use quarry_client::protocol::{Failure, FailureClass};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
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

/// This executable, even if its file has been replaced since the start.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a worker may take to initialize its device.
const START: Duration = Duration::from_secs(120);
/// How long a process has to exit that has closed its pipe, or that was told to end.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a killed process may take to end. One that waits for a driver or a disk may never end.
const LAST_BREATH: Duration = Duration::from_secs(10);
/// Bytes of standard error kept to explain why a process died.
const TAIL: u64 = 1 << 14;

fn command(subcommand: &str) -> Command {
    let mut command = Command::new(THIS_PROGRAM);
    command
        .arg(subcommand)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // They get absolute paths and must not depend on the service's working directory.
        .current_dir("/")
        // Its own process group: Ctrl-C must reach only the service, which drains.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Runs one task in a child process, with a time limit, and ends it if it makes no progress. Dropping the future kills
/// the child.
///
/// # Errors
/// The failure that the child reports, or one that describes its death.
pub async fn run_child(
    request: &ChildRequest,
    stage: Stage,
    time: Duration,
    pulse: &Pulse,
) -> Result<Answer, Failure> {
    let broken = |why: io::Error| failure(FailureClass::Internal, stage, "child.start", why);
    // Programs must not see the service's environment.
    let mut child = command("child").env_clear().spawn().map_err(broken)?;
    let (mut stdin, mut stdout, stderr) = match (child.stdin.take(), child.stdout.take(), child.stderr.take())
    {
        (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
        _ => return Err(broken(io::ErrorKind::BrokenPipe.into())),
    };
    let said = tokio::spawn(first_words(stderr));
    let talk = async {
        send_async(&mut stdin, request).await?;
        receive_async::<ChildAnswer>(&mut stdout).await
    };
    let id = child.id().unwrap_or_default();
    let answer = tokio::select! {
        answer = timeout(time, talk) => answer.map_err(|_| late(stage, time))?,
        () = hangs(id, pulse) => {
            if let Err(why) = end(&mut child).await {
                tracing::error!(id, %why, "a child that hangs does not end");
            }
            let seconds = pulse.limit().as_secs();
            let message = format!("the child made no progress for {seconds} seconds: it was ended");
            return Err(failure(FailureClass::Internal, stage, "child.stalled", message));
        }
    };
    drop(stdin);
    match answer.map(|answer| answer.answer) {
        Ok(Some(Answer::Failure(failure))) => Err(failure),
        Ok(Some(answer)) => Ok(answer),
        Err(why) if why.kind() == io::ErrorKind::InvalidData => {
            // It may still be writing.
            kill(&mut child).await.map_err(broken)?;
            Err(failure(FailureClass::Internal, stage, "child.answer", why))
        }
        Ok(None) | Err(_) => {
            let status = exit(&mut child).await.map_err(broken)?;
            Err(death(stage, status, &said.await.unwrap_or_default()))
        }
    }
}

/// The failure of a child that takes too long.
fn late(stage: Stage, time: Duration) -> Failure {
    let message = format!("it took more than {} seconds", time.as_secs());
    let mut late = failure(FailureClass::Resource, stage, "limits.time", message);
    late.retryable = stage == Stage::Verify;
    late
}

/// Resolves once a process makes no progress. All that a child does takes CPU time, and its own limit bounds that.
async fn hangs(id: u32, pulse: &Pulse) {
    let limit = pulse.limit();
    let (mut before, mut n_idle) = (None, 0);
    while n_idle < LOOKS {
        tokio::time::sleep(limit / LOOKS).await;
        let now = cpu_time(id);
        // Who cannot tell the CPU time does not know that there was none.
        if now.is_some() && now == before {
            n_idle += 1;
        } else {
            (before, n_idle) = (now, 0);
            pulse.beat(limit);
        }
    }
}

/// CPU time of a process and its threads, in the system's ticks; `None` if unknown.
fn cpu_time(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which may contain anything. See proc(5): the fields utime and stime.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<u64>().ok();
    Some(field()? + field()?)
}

/// Waits for a process that is about to exit, and kills it if it does not.
async fn exit(process: &mut Child) -> io::Result<ExitStatus> {
    match timeout(LAST_WORDS, process.wait()).await {
        Ok(status) => status,
        Err(_) => kill(process).await,
    }
}

/// Ends a process that hangs: by SIGTERM, or else by SIGKILL.
async fn end(process: &mut Child) -> io::Result<ExitStatus> {
    let id = process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(id) = id {
        kill_process(id, Signal::TERM)?;
    }
    exit(process).await
}

/// Kills a process.
async fn kill(process: &mut Child) -> io::Result<ExitStatus> {
    process.start_kill()?;
    timeout(LAST_BREATH, process.wait()).await?
}

/// Reads a child's standard error to its end, so that the child never waits, and keeps the beginning.
async fn first_words(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let _ = (&mut stderr).take(TAIL).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Code of the failure of an attempt that was told to stop from outside. No attempt is counted for it.
pub const STOPPED: &str = "child.stopped";

/// The failure for a dead child, from its exit status and standard error.
fn death(stage: Stage, status: ExitStatus, said: &str) -> Failure {
    let signal = status.signal().and_then(Signal::from_named_raw);
    let out_of_memory = said.contains("memory allocation of");
    let (class, code, why) = match signal {
        Some(Signal::XCPU) => (
            FailureClass::Resource,
            "limits.cpu_time",
            "the input takes more CPU time than max_child_cpu_seconds or the service's own limit (ulimit -t)",
        ),
        Some(Signal::XFSZ) => (
            FailureClass::Resource,
            "limits.file_size",
            "the input makes a larger file than max_bytes of artifacts or the service's own limit (ulimit -f)",
        ),
        Some(Signal::ABORT) if out_of_memory => (
            FailureClass::Resource,
            "limits.memory",
            "the input takes more memory than max_child_memory_bytes or the service's own limit (ulimit -v)",
        ),
        // It gave up by itself, as a broken assertion or a stack that overflowed makes it.
        Some(Signal::ABORT) => (
            FailureClass::Internal,
            "child.aborted",
            "the child aborted: this is a bug in Quarry",
        ),
        // It crashed. An input that crashes it each time ends after max_attempts attempts.
        Some(Signal::SEGV | Signal::BUS | Signal::FPE | Signal::ILL | Signal::TRAP) => (
            FailureClass::Internal,
            "child.signal",
            "the child crashed: this is a bug in Quarry, or the machine is faulty",
        ),
        // Ctrl-C in the service's terminal, or a machine that shuts down and will stop the service too.
        Some(Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT) => {
            (FailureClass::Resource, STOPPED, "the child was told to stop")
        }
        // Somebody sent it: the out-of-memory killer, for example.
        Some(_) => (FailureClass::Resource, "child.killed", "the child was killed"),
        None => (FailureClass::Internal, "child.died", "the child died"),
    };
    let said = said.lines().next().unwrap_or_default();
    let mut failure = failure(class, stage, code, format!("{why}: {status}: {said}"));
    // Only the limits that the service sets are the input's fault. Where a proof is verified, no input is run.
    failure.retryable = stage == Stage::Verify || !code.starts_with("limits.");
    failure
}

/// A worker process with an initialized device.
pub struct Worker {
    /// The device, and why it was chosen.
    pub device: Ready,
    process: Child,
    stdin: ChildStdin,
    reports: mpsc::Receiver<Report>,
    said: Arc<Mutex<String>>,
    logging: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker and waits until its device is ready.
    ///
    /// # Errors
    /// The worker's exit status and error output, if it did not become ready.
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

    /// Sends a request. If the worker is dead, [`Worker::report`] says so.
    pub async fn ask(&mut self, request: Request) {
        let request = WorkerRequest {
            request: Some(request),
        };
        if let Err(why) = send_async(&mut self.stdin, &request).await {
            tracing::debug!(%why, "cannot send a request to the worker");
        }
    }

    /// The next report; `None` once the worker is dead.
    pub async fn report(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// Waits for a dead worker; returns its exit status and its most telling line of standard error.
    pub async fn end(mut self) -> String {
        // Kill a worker that does not exit by itself: one that no longer reports is useless.
        let status = exit(&mut self.process).await;
        let _ = timeout(LAST_WORDS, &mut self.logging).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match status {
            Ok(status) => format!("{status}: {said}"),
            Err(why) => format!("{why}: {said}"),
        }
    }

    /// Ends a worker that hangs.
    pub async fn end_hung(mut self) -> io::Result<ExitStatus> {
        end(&mut self.process).await
    }

    /// Kills the worker.
    pub async fn kill(&mut self) -> io::Result<ExitStatus> {
        kill(&mut self.process).await
    }
}

/// Copies a worker's standard error to the log. Keeps the most telling line: the last that mentions an error or a
/// panic, or else the last.
async fn log(device: String, stderr: impl AsyncRead + Unpin, said: Arc<Mutex<String>>) {
    // Drivers may print anything.
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
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
    use crate::pulse::{Process, Pulses};

    #[test]
    fn what_the_input_is_not_to_blame_for_is_tried_again() {
        let dies = |stage, signal: Signal| {
            let status = ExitStatus::from_raw(signal.as_raw());
            death(stage, status, "").retryable
        };
        for limit in [Signal::XCPU, Signal::XFSZ] {
            assert!(!dies(Stage::Prepare, limit), "{limit:?}");
            assert!(dies(Stage::Verify, limit), "{limit:?}");
        }
        let sent = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
        let crash = [
            Signal::SEGV,
            Signal::BUS,
            Signal::FPE,
            Signal::ILL,
            Signal::TRAP,
            Signal::ABORT,
        ];
        for signal in sent.into_iter().chain(crash) {
            assert!(dies(Stage::Prepare, signal), "{signal:?}");
        }
    }

    #[tokio::test]
    async fn standard_error_is_read_to_its_end() {
        let (mut writer, reader) = tokio::io::duplex(1 << 10);
        let said = tokio::spawn(first_words(reader));
        let long = vec![b'x'; 3 * TAIL as usize];
        tokio::io::AsyncWriteExt::write_all(&mut writer, &long)
            .await
            .unwrap();
        drop(writer);
        assert_eq!(said.await.unwrap().len() as u64, TAIL);

        let said = Arc::default();
        log("cpu".to_owned(), &b"error \xff\nlater\n"[..], Arc::clone(&said)).await;
        assert_eq!(*said.lock().unwrap(), "error \u{fffd}");
    }

    #[tokio::test]
    async fn a_process_of_unknown_cpu_time_does_not_hang() {
        let pulses = Pulses::default();
        let pulse = pulses.begin(Process::Child, Duration::from_millis(LOOKS.into()));
        // No process has this id.
        let hangs = timeout(Duration::from_millis(500), hangs(u32::MAX, &pulse)).await;
        assert!(hangs.is_err());
    }

    #[test]
    fn a_crash_is_blamed_on_the_input_only_for_its_memory() {
        let class_of =
            |signal: Signal, said| death(Stage::Prepare, ExitStatus::from_raw(signal.as_raw()), said).class();
        for crash in [Signal::SEGV, Signal::BUS, Signal::FPE, Signal::ILL] {
            assert_eq!(class_of(crash, ""), FailureClass::Internal);
        }
        // A panic.
        let exited = death(Stage::Prepare, ExitStatus::from_raw(101 << 8), "");
        assert!(
            exited.retryable && exited.class() == FailureClass::Internal,
            "{exited:?}"
        );
        let class = |said| class_of(Signal::ABORT, said);
        let overflow =
            "thread 'main' has overflowed its stack\nfatal runtime error: stack overflow, aborting";
        assert_eq!(class(""), FailureClass::Internal);
        assert_eq!(class(overflow), FailureClass::Internal);
        assert_eq!(
            class("memory allocation of 8 bytes failed"),
            FailureClass::Resource
        );
    }
}
