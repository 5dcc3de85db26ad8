//! The memory of a run.
