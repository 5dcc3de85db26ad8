//! The proving side.
