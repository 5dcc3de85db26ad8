//! Constraints of `range_check_builtin`.
