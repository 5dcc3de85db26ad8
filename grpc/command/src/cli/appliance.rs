//! `worker` and `child`: the processes that the service starts. They are not meant to be run by hand.

use crate::cli::device::{self, Started, on_device};
use crate::cli::failure::{Failure, Kind};

/// Arguments of `worker`.
#[derive(Debug, clap::Args)]
pub struct Worker {
    /// Device to prove on
    #[arg(long, default_value_t)]
    device: device::DeviceSelection,
}

/// Runs a worker.
pub fn worker(args: &Worker) -> Result<(), Failure> {
    let (device, why) = args.device.start(None, None)?;
    // Report only a fallback to the CPU: any GPU is as good as another.
    let fallback = why.filter(|_| matches!(device, Started::Cpu(_)));
    let ended = on_device!(&device, device => quarry_service::worker::run(device, fallback));
    ended.map_err(|why| Failure::new(Kind::Internal, why))
}

/// Runs a child process.
pub fn child() -> Result<(), Failure> {
    quarry_service::child::run().map_err(|why| Failure::new(Kind::Internal, why))
}
