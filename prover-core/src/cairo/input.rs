//! The four inputs that Stone takes.
