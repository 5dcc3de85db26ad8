//! What Quarry proves under a bootloader.
//!
//! [`pie`] reads Cairo PIEs: runs of programs that somebody else made. [`bootloader`] runs them.

pub mod bootloader;
pub mod pie;
