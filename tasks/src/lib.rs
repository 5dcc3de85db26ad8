//! What Quarry proves under a bootloader.
//!
//! [`pie`] reads Cairo PIEs: runs of programs that somebody else made. [`executable`] runs Scarb executables to PIEs.
//! [`bootloader`] runs PIEs, [`machine`] whatever is run. [`verifiers`] has programs whose run over a proof is a task too.

pub mod bootloader;
pub mod executable;
pub mod guard;
pub mod machine;
mod packed;
mod panic;
pub mod pie;
pub mod verifiers;
