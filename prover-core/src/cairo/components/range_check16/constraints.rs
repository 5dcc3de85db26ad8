//! Constraints of `range_check16`.
