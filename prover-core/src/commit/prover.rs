//! The committing side.
