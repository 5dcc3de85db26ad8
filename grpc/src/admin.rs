//! What operators ask, generated from `proto/quarry/admin/v1/admin.proto`, where it is explained.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

include!(concat!(env!("OUT_DIR"), "/admin/quarry.admin.v1.rs"));

/// The descriptors of this service, encoded: what reflection serves beside it.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/admin/admin.bin"));
