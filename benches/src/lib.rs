//! Code shared by the benchmarks: cases, a clock of CPU time, and the unit in which costs on different machines are
//! compared.

mod case;
mod reference;

pub use case::{read_case, unpack_case};
pub use reference::{ReferenceFelt, seconds_per_multiplication};

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds that this process has used so far, all threads together.
pub fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
