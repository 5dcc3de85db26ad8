//! Limits of jobs.

use super::Scheduler;
use quarry_client::protocol::Limits;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The service's limits of a job: the maximum, and the default if the job sets none. A lock of its own: limits are
/// read while the scheduler's state is locked.
pub(super) struct MaxLimits(Mutex<Limits>);

impl MaxLimits {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Mutex::new(limits))
    }

    fn lock(&self) -> MutexGuard<'_, Limits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scheduler {
    /// The service's limits of a job.
    pub fn max_limits(&self) -> Limits {
        *self.max_limits.lock()
    }

    /// Changes the service's limits. Each preparation, proof and verification keeps those that it began with.
    pub fn set_max_limits(&self, limits: Limits) {
        *self.max_limits.lock() = limits;
    }

    /// A job's own limits where they are stricter than the service's, which apply otherwise.
    pub(super) fn limits(&self, own: Option<Limits>) -> Limits {
        let (own, most) = (own.unwrap_or_default(), self.max_limits());
        let least = |own: u64, most: u64| if own == 0 { most } else { own.min(most) };
        Limits {
            max_steps: least(own.max_steps, most.max_steps),
            max_child_memory_bytes: least(own.max_child_memory_bytes, most.max_child_memory_bytes),
            max_child_cpu_seconds: least(own.max_child_cpu_seconds, most.max_child_cpu_seconds),
            max_device_seconds: least(own.max_device_seconds, most.max_device_seconds),
            max_proof_of_work_bits: least(own.max_proof_of_work_bits, most.max_proof_of_work_bits),
            max_log_n_cosets: least(own.max_log_n_cosets, most.max_log_n_cosets),
            max_queries: least(own.max_queries, most.max_queries),
            max_pie_bytes: least(own.max_pie_bytes, most.max_pie_bytes),
            max_pie_cells: least(own.max_pie_cells, most.max_pie_cells),
        }
    }
}
