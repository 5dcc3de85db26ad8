//! The operations on columns: one file each with its trait, its contract (shapes and orders) and, under
//! test, the laws that every device must meet.
//!
//! Elements are fully reduced on both sides of every operation. Shapes that a contract does not allow
//! are [`crate::DeviceError::Shape`].

mod compose;
mod fold;
mod gather;
mod grind;
mod hash;
mod ntt;
mod quotient;
mod scan;

pub use compose::ComposeOps;
pub use fold::FoldOps;
pub use gather::GatherOps;
pub use grind::GrindOps;
pub use hash::{HashOps, MerkleTree};
pub use ntt::NttOps;
pub use quotient::{Pole, QuotientOps, QuotientTerm};
pub use scan::{PermutationArgument, ScanOps, VirtualColumn};

/// A device with every operation.
pub trait Backend:
    NttOps + HashOps + ComposeOps + QuotientOps + FoldOps + ScanOps + GatherOps + GrindOps
{
}

impl<D> Backend for D where
    D: NttOps + HashOps + ComposeOps + QuotientOps + FoldOps + ScanOps + GatherOps + GrindOps
{
}
