//! Resource limits of a child.

use crate::internal::ChildRequest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io;

/// Sets this process's limits before it touches an input; 0 is no limit.
pub fn apply(request: &ChildRequest) -> io::Result<()> {
    let limits = request.limits.unwrap_or_default();
    // The hard CPU limit is one second above the soft one: SIGXCPU, which identifies the cause, comes before SIGKILL,
    // which does not.
    let bounds = [
        (Resource::As, limits.max_child_memory_bytes, 0),
        (Resource::Cpu, limits.max_child_cpu_seconds, 1),
        (Resource::Fsize, request.max_file_bytes, 0),
    ];
    let bounds = bounds.into_iter().filter(|(_, bound, _)| *bound > 0);
    // An input is private: no core files.
    for (resource, bound, grace) in bounds.chain([(Resource::Core, 0, 0)]) {
        setrlimit(resource, lowered(&getrlimit(resource), bound, grace))?;
    }
    first_to_go();
    Ok(())
}

/// The inherited limit, lowered to `bound`. The hard limit is `grace` above the soft one. A limit that is lower already
/// stays: no process may raise its own.
fn lowered(inherited: &Rlimit, bound: u64, grace: u64) -> Rlimit {
    let at_most = |limit: Option<u64>, bound: u64| limit.map_or(bound, |limit| limit.min(bound));
    let maximum = at_most(inherited.maximum, bound.saturating_add(grace));
    let current = at_most(inherited.current, bound).min(maximum.saturating_sub(grace));
    Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    }
}

/// Makes the out-of-memory killer prefer this process over the service.
pub fn first_to_go() {
    // Not every system supports or allows it.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_lowered_but_never_raised() {
        let after = |current, maximum, bound, grace| {
            let limit = lowered(&Rlimit { current, maximum }, bound, grace);
            (limit.current, limit.maximum)
        };
        assert_eq!(after(None, None, 100, 1), (Some(100), Some(101)));
        assert_eq!(after(Some(200), None, 100, 0), (Some(100), Some(100)));
        // What `ulimit` sets is both limits.
        assert_eq!(after(Some(50), Some(50), 100, 0), (Some(50), Some(50)));
        assert_eq!(after(Some(50), None, 100, 1), (Some(50), Some(101)));
        // The soft limit stays below the hard one, so that the first signal names the cause.
        assert_eq!(after(Some(50), Some(50), 100, 1), (Some(49), Some(50)));
        assert_eq!(after(None, None, 0, 0), (Some(0), Some(0)));
    }
}
