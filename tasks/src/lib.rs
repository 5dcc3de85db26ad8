//! What Quarry proves under a bootloader.
//!
//! [`pie`] reads Cairo PIEs: runs of programs that somebody else made.

pub mod pie;
