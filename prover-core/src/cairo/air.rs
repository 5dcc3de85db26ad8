//! The AIR of a Cairo layout.
