//! Whether this process may start the threads that the service needs. The libraries that start them panic if they
//! cannot, so it is tried before.

use crate::cli::failure::{Failure, Kind};
use rustix::process::{Resource, getrlimit};
use std::io;
use std::sync::mpsc;
use std::thread::{self, available_parallelism};

/// Threads beside one for each processor: the log's, and some for work that blocks.
const N_OTHERS: usize = 5;
/// Stack of a thread in MiB: the default of the standard library, which is also the runtime's.
const STACK_MIB: usize = 2;

/// Starts as many threads as the service does, and ends them again.
///
/// # Errors
/// If one cannot be started; names the limits of this process.
pub fn check() -> Result<(), Failure> {
    let n_threads = available_parallelism().map_or(1, usize::from) + N_OTHERS;
    let started = start_together(n_threads);
    started.map_err(|why| Failure::new(Kind::BadInput, refusal(n_threads, &why)))
}

fn start_together(n: usize) -> io::Result<()> {
    // Each thread waits until the senders are dropped.
    let start = |_| {
        let (running, until) = mpsc::channel::<()>();
        let wait = move || until.recv().is_ok();
        let thread = thread::Builder::new().stack_size(STACK_MIB << 20).spawn(wait)?;
        Ok((thread, running))
    };
    let started: io::Result<Vec<_>> = (0..n).map(start).collect();
    for (thread, running) in started? {
        drop(running);
        let _ = thread.join();
    }
    Ok(())
}

fn refusal(n_threads: usize, why: &io::Error) -> String {
    let limits = [
        ("-u, processes and threads of this user", Resource::Nproc, 1),
        ("-d, KiB of data", Resource::Data, 1024),
        ("-v, KiB of address space", Resource::As, 1024),
    ];
    let limits = limits.into_iter().filter_map(|(what, resource, unit)| {
        let limit = getrlimit(resource).current?;
        Some(format!("{} (ulimit {what})", limit / unit))
    });
    let limits: Vec<_> = limits.collect();
    let limits = match limits.is_empty() {
        true => "none by ulimit".to_owned(),
        false => limits.join(", "),
    };
    format!(
        "cannot start threads: {why}. The service needs {n_threads} threads with {STACK_MIB} MiB of stack each to start, \
         and as many again for each worker and each child. The limits of this process: {limits}. In a container or a \
         unit, see also pids.max and TasksMax"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_is_needed() {
        start_together(3).unwrap();
        let said = refusal(7, &io::ErrorKind::WouldBlock.into());
        assert!(said.contains("7 threads") && said.contains("TasksMax"), "{said}");
    }
}
