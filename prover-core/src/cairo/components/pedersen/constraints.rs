//! Constraints of `pedersen`.
