//! Trace cells of `range_check96_builtin`: see `range_check_builtin`.
