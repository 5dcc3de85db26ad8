//! The Quarry appliance: a durable proving service and its client.
//!
//! Without default features, this crate contains only the protocol and the client. A client submits a job and waits:
//!
//! ```no_run
//! use quarry_grpc::client::{Client, Connection};
//! use quarry_grpc::protocol::{JobSpec, ProgramInput, job_spec::Input};
//!
//! # async fn submit() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::connect(&Connection {
//!     server: "http://127.0.0.1:7474".to_owned(),
//!     token: None,
//!     authority: None,
//!     identity: None,
//! })
//! .await?;
//! let program = client.upload("program.json".as_ref()).await?;
//! let spec = JobSpec {
//!     dedup_key: "block 1".to_owned(),
//!     input: Some(Input::Program(ProgramInput { program: Some(program), ..Default::default() })),
//!     ..Default::default()
//! };
//! let id = client.submit(spec).await?.job.ok_or("no job")?.id;
//! let job = client.wait(&id, |event| println!("{}", event.stage)).await?;
//! println!("{}", job.state().name());
//! # Ok(())
//! # }
//! ```
//!
//! `examples/submit.rs` also fetches the proof. The service is [`service`], started by `quarry serve`: a [`store`] keeps
//! every job, the scheduler hands jobs to one worker process per device, and child processes handle all foreign input.

#[cfg(feature = "appliance")]
pub mod admin;
#[cfg(feature = "appliance")]
pub mod artifacts;
#[cfg(feature = "appliance")]
pub mod child;
pub mod client;
#[cfg(feature = "appliance")]
pub mod config;
#[cfg(feature = "appliance")]
mod crash;
pub mod digest;
#[cfg(feature = "appliance")]
pub mod failure;
#[cfg(all(fuzzing, feature = "appliance"))]
pub mod fuzzing;
#[cfg(feature = "appliance")]
mod history;
#[cfg(feature = "appliance")]
mod internal;
#[cfg(feature = "appliance")]
mod metrics;
#[cfg(feature = "appliance")]
mod otlp;
#[cfg(feature = "appliance")]
mod processes;
pub mod protocol;
#[cfg(feature = "appliance")]
mod scheduler;
#[cfg(feature = "appliance")]
pub mod service;
#[cfg(feature = "appliance")]
pub mod store;
#[cfg(feature = "appliance")]
mod wire;
#[cfg(feature = "appliance")]
pub mod worker;
