//! The trace columns.
