//! Named points at which a test kills the service. In a build without the feature `crash-points` they are nothing.

/// Ends the process as `kill -9` does, if `QUARRY_CRASH_AT` names this point.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    if std::env::var_os("QUARRY_CRASH_AT").is_some_and(|wanted| wanted == *name) {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_: &str) {}
