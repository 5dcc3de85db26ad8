//! The processes that the service starts: not for people.

use crate::cli::device::{self, Started, on_device};
use crate::cli::failure::{Failure, Kind};

/// Arguments of `worker`.
#[derive(Debug, clap::Args)]
pub struct Worker {
    /// The device.
    #[arg(long, default_value_t)]
    device: device::Choice,
}

/// Runs a worker.
pub fn worker(args: &Worker) -> Result<(), Failure> {
    let (device, why) = args.device.start(None, None)?;
    // Any card is as good as another; the CPU is not.
    let fallback = why.filter(|_| matches!(device, Started::Cpu(_)));
    let ended = on_device!(&device, device => quarry_grpc::worker::run(device, fallback));
    ended.map_err(|why| Failure::new(Kind::Internal, why))
}

/// Runs a child.
pub fn child() -> Result<(), Failure> {
    quarry_grpc::child::run().map_err(|why| Failure::new(Kind::Internal, why))
}
