//! Trace cells of `memory`.
