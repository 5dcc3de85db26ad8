//! What devices of many threads share: how operations are cut into launches, and the tables that kernels read. Kernels and
//! calls of a driver are each device's own.

pub(crate) mod grind;
pub(crate) mod ntt;
pub(crate) mod program;
pub(crate) mod quotient;
pub(crate) mod scan;
pub(crate) mod tables;
