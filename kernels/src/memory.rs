//! Accounting of the bytes that buffers hold.

use crate::device::{MemoryUsage, Tag};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes held for every tag, now and at the peak.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    current: u64,
    by_tag: BTreeMap<Tag, u64>,
    peak: u64,
    by_tag_at_peak: BTreeMap<Tag, u64>,
}

impl Accounts {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state consistent, so it is usable even if another thread panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "cpu")]
    pub(crate) fn take(&self, tag: Tag, bytes: u64) {
        // With a budget of `u64::MAX`, this does not fail.
        let _ = self.take_within(tag, bytes, u64::MAX);
    }

    /// Counts `bytes` as held. If the total would exceed `budget`, changes nothing and returns the free part of the
    /// budget.
    pub(crate) fn take_within(&self, tag: Tag, bytes: u64, budget: u64) -> Result<(), u64> {
        let mut state = self.state();
        let free = budget.saturating_sub(state.current);
        if bytes > free {
            return Err(free);
        }
        state.current += bytes;
        *state.by_tag.entry(tag).or_default() += bytes;
        if state.current > state.peak {
            state.peak = state.current;
            state.by_tag_at_peak = state.by_tag.clone();
        }
        Ok(())
    }

    pub(crate) fn give_back(&self, tag: Tag, bytes: u64) {
        let mut state = self.state();
        state.current -= bytes;
        if let Some(held) = state.by_tag.get_mut(&tag) {
            *held -= bytes;
        }
    }

    /// Bytes held now.
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    pub(crate) fn current(&self) -> u64 {
        self.state().current
    }

    pub(crate) fn take_peak(&self) -> MemoryUsage {
        let mut state = self.state();
        let held = state.by_tag_at_peak.iter().filter(|(_, bytes)| **bytes > 0);
        let mut peak_by_tag: Vec<_> = held.map(|(tag, bytes)| (*tag, *bytes)).collect();
        peak_by_tag.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let usage = MemoryUsage {
            current: state.current,
            peak: state.peak,
            peak_by_tag,
        };
        state.peak = state.current;
        state.by_tag_at_peak = state.by_tag.clone();
        usage
    }
}
