//! The Quarry appliance: a durable proving service and its client.
//!
//! Without default features, this crate contains only the protocol and the client.

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
