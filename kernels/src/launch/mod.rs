//! Code shared by the devices with many threads: how operations are split into launches, and the tables that kernels
//! read. Kernels and driver calls are specific to each device.

pub(crate) mod grind;
pub(crate) mod ntt;
pub(crate) mod program;
pub(crate) mod quotient;
pub(crate) mod scan;
pub(crate) mod tables;
