//! Running Cairo programs.
