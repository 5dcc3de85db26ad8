//! The Starknet field, hashes, and the column operations that a STARK prover runs on a device.
//!
//! This crate contains no constraints, no transcript and no Cairo. It has three parts:
//! - [`felt`], [`curve`] and [`hash`]: scalar arithmetic, usable by a verifier without any device;
//! - [`device`], [`columns`], [`program`] and [`ops`]: the contracts that every device implements;
//! - one module per device: `cpu`, `cuda` and `wgpu`, each behind the feature of its name.
//!
//! # A commitment on a device
//!
//! A [`Device`] holds memory. [`Columns`] of field elements lie in it; their order is part of their type. Each trait in
//! [`ops`] is a group of operations, and a [`Backend`] has all of them. Operations enqueue work and return a
//! [`Ticket`]; only waiting blocks.
//!
#![cfg_attr(feature = "cpu", doc = "```")]
#![cfg_attr(not(feature = "cpu"), doc = "```ignore")]
//! use quarry_kernels::ops::{HashOps, MerkleTree, NttOps};
//! use quarry_kernels::{BitReversed, Columns, CpuDevice, Device, DeviceError, Felt, Hash, Natural, TableView, Tag};
//!
//! # fn main() -> Result<(), DeviceError> {
//! let device = CpuDevice::new(None)?;
//! // The key of the memory statistics, which `Device::take_peak` returns.
//! let tag = Tag("example");
//!
//! // Two columns of eight values of polynomials on the subgroup of order 8.
//! let numbers = |range: std::ops::Range<u64>| range.map(Felt::from).collect::<Vec<_>>();
//! let values: Columns<_, Natural> = Columns::upload(&device, &[numbers(0..8), numbers(8..16)], 3, tag)?;
//!
//! // Their coefficients, and their values on a coset.
//! let coefficients: Columns<_, BitReversed> = device.interpolate(values, Felt::from(1u64))?;
//! let shift = Felt::from(3u64);
//! let mut on_coset = Columns::<_, Natural>::zeros(&device, 2, 3, tag)?;
//! device.evaluate_coset(&coefficients, shift, &mut on_coset)?.detach();
//! let first = device.evaluate_at(&coefficients, &[(0, shift)])?.wait()?;
//! assert_eq!(on_coset.download(&device, 0)?[0], first[0]);
//!
//! // The Merkle tree over the rows: each row is hashed to a leaf, then pairs of nodes to their parents.
//! let mut tree = MerkleTree::empty(&device, 3, tag)?;
//! let rows = TableView::of_trace(&on_coset);
//! device.hash_rows(Hash::Keccak256, &rows, &mut tree, 0)?.detach();
//! device.hash_top(&[Hash::Keccak256; 3], &mut tree, 3)?.detach();
//! let root = device.download(&tree.nodes, 1..2)?.wait()?;
//! println!("{:02x?}", root[0]);
//! # Ok(())
//! # }
//! ```
//!
//! # A device of one's own
//!
//! `examples/own_device` is a small device outside this crate. The feature `laws` has the tests that every device must
//! pass, and `dual`, which compares two devices operation by operation. Whatever passes can prove: the prover,
//! `quarry-prover-core`, is generic over [`Backend`].
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `cpu` (default) | the CPU device |
//! | `cuda` | NVIDIA GPUs; needs no toolkit to build and the driver to run |
//! | `wgpu` | other GPUs, through Vulkan or Metal |
//! | `laws` | the laws of the operations, and the comparison of two devices |
//! | `cuda-emulation`, `wgpu-software` | tests of both without a GPU |

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
