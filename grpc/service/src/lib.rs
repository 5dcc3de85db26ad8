//! The Quarry proving service, which `quarry serve` runs: [`service::serve`].
//!
//! - [`job`] is a job as the service knows it; the protocol and the records have their own.
//! - [`store`] keeps every job, [`artifacts`] every file; [`check`] compares the files with their digests.
//! - The scheduler hands jobs to one worker process per device ([`worker`]).
//! - Child processes ([`child`]) handle all foreign input.
//!
//! The service starts its workers and children from its own executable, as the subcommands `worker` and `child`.

mod address;
pub mod artifacts;
pub mod check;
pub mod child;
pub mod config;
mod crash;
mod exposition;
pub mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod history;
mod internal;
pub mod job;
pub mod log;
mod metrics;
mod otlp;
mod place;
mod processes;
mod pulse;
mod quota;
mod scheduler;
pub mod service;
pub mod store;
mod text;
mod wire;
pub mod worker;
