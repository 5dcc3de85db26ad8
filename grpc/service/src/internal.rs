//! Internal messages and store records, generated from `proto/quarry/internal/v1/internal.proto`.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

include!(concat!(env!("OUT_DIR"), "/quarry.internal.v1.rs"));
