//! Trace of `range_check96_builtin`.
