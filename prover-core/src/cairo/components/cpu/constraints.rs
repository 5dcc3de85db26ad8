//! Constraints of `cpu`.
