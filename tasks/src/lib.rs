//! What Quarry proves under a bootloader.
//!
//! [`pie`] reads Cairo PIEs: runs of programs that somebody else made. [`bootloader`] runs them. [`verifiers`] has
//! programs whose run over a proof is a task too.

pub mod bootloader;
mod packed;
pub mod pie;
pub mod verifiers;
