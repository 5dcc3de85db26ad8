//! Work in tasks of its own.

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use tokio::task::{JoinError, JoinHandle};

/// Runs `work` to completion, even if the caller is cancelled.
pub(super) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    joined(tokio::spawn(work))
        .await
        .unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs a blocking action off the async threads.
pub(super) async fn blocking<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
    joined(tokio::task::spawn_blocking(action))
        .await
        .unwrap_or_else(|panic| resume_unwind(panic))
}

/// Output of a task that is never aborted; its panic as an error.
pub(super) async fn joined<T>(task: JoinHandle<T>) -> Result<T, Box<dyn Any + Send>> {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(value) => Ok(value),
        Err(Ok(panic)) => Err(panic),
        // The runtime is shutting down, and will drop the caller as well.
        Err(Err(_)) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Sends whether it was dropped by a panic.
    struct Dropped(mpsc::Sender<bool>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(std::thread::panicking());
        }
    }

    /// A task that is running while the runtime shuts down gets its blocking actions back as cancelled.
    #[test]
    fn a_shutdown_is_not_a_panic() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let (running, runs) = mpsc::channel();
        let (shut, is_shut) = mpsc::channel();
        let (dropped, was_dropped) = mpsc::channel();
        runtime.spawn(async move {
            let _dropped = Dropped(dropped);
            running.send(()).unwrap();
            is_shut.recv().unwrap();
            blocking(|| ()).await;
            // The runtime is gone, so the action cannot have run.
            unreachable!();
        });
        runs.recv().unwrap();
        runtime.shutdown_background();
        shut.send(()).unwrap();
        assert!(!was_dropped.recv().unwrap(), "the task panicked");
    }
}
