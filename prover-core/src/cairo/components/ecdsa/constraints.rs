//! Constraints of `ecdsa`.
