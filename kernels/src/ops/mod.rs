//! The operations on columns: each file has one trait and its contract (shapes and orders). The laws that every device
//! must satisfy are in `laws` (feature `laws`). Functions whose names begin with `check` are the checks that all
//! devices share.
//!
//! Elements are fully reduced before and after every operation. Shapes that violate a contract give
//! [`crate::DeviceError::Shape`].

mod compose;
mod fold;
mod gather;
mod grind;
mod hash;
#[cfg(any(test, feature = "laws"))]
pub mod laws;
mod ntt;
mod quotient;
mod scan;

pub use compose::{ComposeOps, check_compose, check_program};
pub use fold::{FoldOps, check_split, half_len};
pub use gather::GatherOps;
pub use grind::{GrindOps, check_bits, has_zero_bits};
pub use hash::{HashOps, MerkleTree};
pub use ntt::{HostColumns, Interpolated, NttOps};
pub use quotient::{Pole, QuotientOps, QuotientTerm};
pub use scan::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};

/// A device that implements every operation.
pub trait Backend:
    NttOps + HashOps + ComposeOps + QuotientOps + FoldOps + ScanOps + GatherOps + GrindOps
{
}

impl<D> Backend for D where
    D: NttOps + HashOps + ComposeOps + QuotientOps + FoldOps + ScanOps + GatherOps + GrindOps
{
}
