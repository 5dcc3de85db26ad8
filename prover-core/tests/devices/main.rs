//! Whole proofs on devices without a card. Not part of the suite: their feature changes the build of the kernels.

#[path = "../common/mod.rs"]
mod common;
mod cuda;
mod memory;
mod wgpu;
