//! Resource limits of a child.

use crate::internal::ChildRequest;
use rustix::process::{Resource, Rlimit, setrlimit};
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
        let limit = Rlimit {
            current: Some(bound),
            maximum: Some(bound.saturating_add(grace)),
        };
        setrlimit(resource, limit)?;
    }
    first_to_go();
    Ok(())
}

/// Makes the out-of-memory killer prefer this process over the service.
pub fn first_to_go() {
    // Not every system supports or allows it.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}
