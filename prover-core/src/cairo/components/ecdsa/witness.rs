//! Trace cells of `ecdsa`.
