//! Counting of the bytes that buffers hold.

use crate::device::{MemoryUsage, Tag};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes held for every tag, now and at the peak.
#[derive(Debug, Default)]
pub(super) struct Accounts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    current: u64,
    by_tag: BTreeMap<Tag, u64>,
    peak: u64,
    by_tag_at_peak: BTreeMap<Tag, u64>,
}

impl Accounts {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state consistent, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, tag: Tag, bytes: u64) {
        let mut state = self.state();
        state.current += bytes;
        *state.by_tag.entry(tag).or_default() += bytes;
        if state.current > state.peak {
            state.peak = state.current;
            state.by_tag_at_peak = state.by_tag.clone();
        }
    }

    pub(super) fn give_back(&self, tag: Tag, bytes: u64) {
        let mut state = self.state();
        state.current -= bytes;
        if let Some(held) = state.by_tag.get_mut(&tag) {
            *held -= bytes;
        }
    }

    pub(super) fn take_peak(&self) -> MemoryUsage {
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
