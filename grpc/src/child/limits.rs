//! What a child may take of the machine.

use crate::internal::ChildRequest;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs;
use std::io;

/// Sets the limits of this process, before it touches an input; 0 is no limit.
pub fn apply(request: &ChildRequest) -> io::Result<()> {
    let limits = request.limits.unwrap_or_default();
    // The signal that tells of CPU time comes before the one that cannot be told from others.
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

/// If the machine runs out of memory, this process goes rather than the service.
pub fn first_to_go() {
    // Not every system has it, and some do not allow it.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}
