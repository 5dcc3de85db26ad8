//! Trace cells of `range_check_builtin`.
