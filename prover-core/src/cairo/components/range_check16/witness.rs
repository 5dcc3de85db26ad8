//! Trace cells of `range_check16`.
