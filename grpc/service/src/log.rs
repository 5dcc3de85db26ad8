//! The log's writer. A thread of its own writes the lines, so that a reader of standard error that stalls costs lines,
//! which are counted, and never holds up the service.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that may wait to be written.
const MAX_LINES: usize = 1 << 13;
/// How long the last lines may take at the end of the process.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Counts the dropped lines of this process, which has one log.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Writes the lines that wait when it is dropped, within two seconds.
pub struct Guard(Option<WorkerGuard>);

impl Drop for Guard {
    fn drop(&mut self) {
        // It reports a full queue on standard output, which may stall as well.
        drop_within(self.0.take(), LAST_LINES);
    }
}

/// Drops a value in a thread; returns whether that ended in time.
fn drop_within(value: impl Send + 'static, time: Duration) -> bool {
    let (done, is_done) = mpsc::channel();
    let aside = std::thread::Builder::new().spawn(move || {
        drop(value);
        let _ = done.send(());
    });
    // If no thread can be started, the value was dropped here.
    aside.is_err() || is_done.recv_timeout(time).is_ok()
}

/// The writer of a log on standard error.
///
/// # Errors
/// If standard error is closed.
pub fn on_standard_error() -> io::Result<(NonBlocking, Guard)> {
    // A handle without the lock of `io::stderr()`: while a write blocks, others must not wait for the lock.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let (writer, guard) = lossy(stderr);
    DROPPED.get_or_init(|| writer.error_counter());
    Ok((writer, Guard(Some(guard))))
}

/// How many lines were dropped because too many waited.
pub(crate) fn dropped_lines() -> u64 {
    let dropped = DROPPED.get().map_or(0, ErrorCounter::dropped_lines);
    u64::try_from(dropped).unwrap_or(u64::MAX)
}

/// A text for a field of a line. Fields that are missing are not written.
pub(crate) fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A time for a field of a line: seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn lossy(to: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_LINES)
        .thread_name("log")
        .finish(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Cannot be dropped before the sender is.
    struct Stalled(mpsc::Receiver<()>);

    impl Drop for Stalled {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }

    #[test]
    fn the_end_of_the_log_is_bounded() {
        let (sender, receiver) = mpsc::channel();
        assert!(!drop_within(Stalled(receiver), Duration::from_millis(10)));
        drop(sender);
        assert!(drop_within((), Duration::from_secs(60)));
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_no_time() {
        let (mut reader, pipe) = io::pipe().unwrap();
        let (mut log, guard) = lossy(pipe);
        let dropped = log.error_counter();
        let line = [b'x'; 100];
        for _ in 0..3 * MAX_LINES {
            log.write_all(&line).unwrap();
        }
        // A pipe holds 64 KiB.
        let n_dropped = dropped.dropped_lines();
        assert!(n_dropped > MAX_LINES, "{n_dropped}");
        // Once somebody reads, all other lines come.
        let reading = std::thread::spawn(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).map(|_| text.len())
        });
        drop((log, guard));
        let n_read = reading.join().unwrap().unwrap();
        assert_eq!(n_read, (3 * MAX_LINES - n_dropped) * line.len());
    }
}
