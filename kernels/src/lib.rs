//! The Starknet field, hashes, and the column operations that a STARK prover runs on a device.
//!
//! This crate contains no constraints, no transcript and no Cairo. It has three parts:
//! - [`felt`], [`curve`] and [`hash`]: scalar arithmetic, usable by a verifier without any device;
//! - [`device`], [`columns`], [`program`] and [`ops`]: the contracts that every device implements;
//! - one module per device: [`cpu`] (feature `cpu`), [`cuda`] (feature `cuda`), [`wgpu`] (feature `wgpu`).

pub mod columns;
#[cfg(feature = "cpu")]
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod curve;
pub mod description;
pub mod device;
pub mod domain;
#[cfg(any(test, feature = "laws"))]
pub mod dual;
pub mod felt;
pub mod hash;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod launch;
#[cfg(any(feature = "cpu", feature = "cuda", feature = "wgpu"))]
mod memory;
pub mod ops;
pub mod program;
#[cfg(feature = "wgpu")]
pub mod wgpu;

#[cfg(feature = "wgpu")]
pub use self::wgpu::WgpuDevice;
pub use columns::{BitReversed, Columns, Natural, Order, TableView};
#[cfg(feature = "cpu")]
pub use cpu::CpuDevice;
#[cfg(feature = "cuda")]
pub use cuda::CudaDevice;
pub use description::Description;
pub use device::{Device, DeviceBuffer, DeviceError, Element, Pending, Tag, Ticket};
pub use domain::Coset;
pub use felt::Felt;
pub use hash::{Digest, Hash};
pub use ops::Backend;
pub use program::Program;
