//! The processes that the service starts: not for people.

use crate::cli::device::{self, on_device};
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
    let (device, _) = args.device.start(None, None)?;
    let ended = on_device!(&device, device => quarry_grpc::worker::run(device));
    ended.map_err(|why| Failure::new(Kind::Internal, why))
}

/// Runs a child.
pub fn child() -> Result<(), Failure> {
    quarry_grpc::child::run().map_err(|why| Failure::new(Kind::Internal, why))
}
