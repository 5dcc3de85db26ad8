//! Trace cells of `cpu`.
