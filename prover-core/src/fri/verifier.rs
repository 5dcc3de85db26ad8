//! The checking side.
