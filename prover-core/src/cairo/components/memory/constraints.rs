//! Constraints of `memory`.
