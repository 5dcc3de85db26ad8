//! Client of the Quarry proving service: uploads inputs, submits jobs, follows their events, downloads proofs. It
//! builds neither a prover nor a device.
//!
//! A client submits a job and waits for its end:
//!
//! ```no_run
//! use quarry_client::{Client, Connection};
//! use quarry_client::protocol::{JobSpec, ProgramInput, job_spec::Input};
//!
//! # async fn submit() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::connect(&Connection::default()).await?;
//! let program = client.upload("program.json".as_ref()).await?;
//! let spec = JobSpec {
//!     dedup_key: "block 1234".to_owned(),
//!     input: Some(Input::Program(ProgramInput { program: Some(program), ..Default::default() })),
//!     ..Default::default()
//! };
//! let id = client.submit(spec).await?.job.ok_or("no job")?.id;
//! client.wait(&id, |event| println!("{}", event.stage)).await?;
//! let result = client.result(&id).await?;
//! client.download(&result.proof.ok_or("no proof")?, "proof.json".as_ref()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`] retries while the service restarts, so [`Client::wait`] survives a broken connection.
//! - [`protocol`] has all messages; the proto files document them. [`admin`] is the protocol of the operators' socket.
//! - [`digest`] computes the SHA-256 that names an uploaded file.
//! - [`envelope`] has signed messages, for parties that do not trust each other. A [`Connection`] with a signer opens
//!   sessions, and [`Client::submit_signed`] signs jobs; [`SignedJob::check_acceptance`] checks what the service promised.
//! - [`receipt`] reads what provers sign of the jobs that they have proved, and finds gaps, forks and broken promises.
//! - [`block`] verifies the signature of a Starknet block that a job refers to.
//!
//! `examples/submit.rs` is a whole program.

mod address;
pub mod admin;
pub mod block;
mod client;
mod connection;
pub mod digest;
pub mod envelope;
mod error;
pub mod protocol;
pub mod receipt;
mod session;
mod signed;
mod stark_curve;

pub use address::speaks_tls;
pub use client::Client;
pub use connection::Connection;
pub use error::{ClientError, SigningError};
pub use session::{Receiver, random_nonce};
pub use signed::SignedJob;
