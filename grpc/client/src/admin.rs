//! The admin protocol, generated from `proto/quarry/admin/v1/admin.proto`, which documents it.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

include!(concat!(env!("OUT_DIR"), "/admin/quarry.admin.v1.rs"));

/// Encoded file descriptors of the admin service, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/admin/admin.bin"));
