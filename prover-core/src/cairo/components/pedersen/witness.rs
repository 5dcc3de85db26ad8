//! Trace cells of `pedersen`.
