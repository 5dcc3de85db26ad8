//! The components of which layouts are made: each states its constraints once and fills its own cells.

pub mod cpu;
pub mod ecdsa;
pub mod memory;
pub mod pedersen;
pub mod range_check16;
pub mod range_check_builtin;
