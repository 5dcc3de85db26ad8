//! Bounded slots: a limit per holder and a limit in total.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Limits on slots.
#[derive(Clone, Copy, Debug)]
pub struct SlotLimits {
    /// Per holder.
    pub per_holder: usize,
    /// In total.
    pub total: usize,
}

/// Slots in use, by holder.
pub struct Slots<K: Eq + Hash + Clone> {
    limits: SlotLimits,
    taken: Mutex<(HashMap<K, usize>, usize)>,
}

impl<K: Eq + Hash + Clone> Slots<K> {
    /// Creates free slots with these limits.
    pub fn new(limits: SlotLimits) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { limits, taken })
    }

    fn taken(&self) -> MutexGuard<'_, (HashMap<K, usize>, usize)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for a holder; `None` if a limit is reached.
    pub fn take(self: &Arc<Self>, holder: K) -> Option<Slot<K>> {
        self.take_within(holder, self.limits.per_holder)
    }

    /// [`Slots::take`] with a limit of this holder.
    pub fn take_within(self: &Arc<Self>, holder: K, per_holder: usize) -> Option<Slot<K>> {
        let slot = self.nothing(holder);
        slot.grow_within(1, per_holder).then_some(slot)
    }

    /// A slot of a holder that takes nothing yet.
    pub fn nothing(self: &Arc<Self>, holder: K) -> Slot<K> {
        let slots = Arc::clone(self);
        let n = AtomicUsize::new(0);
        Slot { slots, holder, n }
    }

    /// Slots of a holder.
    pub fn held(&self, holder: &K) -> usize {
        self.taken().0.get(holder).copied().unwrap_or_default()
    }
}

/// A slot, released on drop. It may take the room of many.
pub struct Slot<K: Eq + Hash + Clone> {
    slots: Arc<Slots<K>>,
    holder: K,
    n: AtomicUsize,
}

impl<K: Eq + Hash + Clone> Slot<K> {
    /// Takes more room; `false` if a limit is reached.
    pub fn grow(&self, more: usize) -> bool {
        self.grow_within(more, self.slots.limits.per_holder)
    }

    fn grow_within(&self, more: usize, per_holder: usize) -> bool {
        let (by_holder, total) = &mut *self.slots.taken();
        let held = by_holder.get(&self.holder).copied().unwrap_or_default();
        let (held, all) = (held.saturating_add(more), total.saturating_add(more));
        if held > per_holder || all > self.slots.limits.total {
            return false;
        }
        by_holder.insert(self.holder.clone(), held);
        *total = all;
        self.n.fetch_add(more, Ordering::Relaxed);
        true
    }
}

impl<K: Eq + Hash + Clone> Drop for Slot<K> {
    fn drop(&mut self) {
        let n = *self.n.get_mut();
        let (by_holder, total) = &mut *self.slots.taken();
        *total -= n;
        if let Some(held) = by_holder.get_mut(&self.holder) {
            *held -= n;
            if *held == 0 {
                by_holder.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted() {
        let slots = Slots::new(SlotLimits {
            per_holder: 2,
            total: 3,
        });
        let take = |holder: u8| slots.take(holder);
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some());
        assert!(take(1).is_none(), "the holder's limit");
        let third = take(2);
        assert!(third.is_some() && take(3).is_none(), "the total");
        assert!(slots.held(&1) == 2 && slots.take_within(2, 1).is_none());
        drop((first, second));
        assert!(take(3).is_some());
        drop(third);
        assert!(slots.taken().0.is_empty(), "no holder is left");
    }

    #[test]
    fn a_slot_grows_within_the_limits() {
        let slots = Slots::new(SlotLimits {
            per_holder: 10,
            total: 15,
        });
        let (first, second) = (slots.nothing(1), slots.nothing(2));
        assert!(first.grow(4) && first.grow(6) && !first.grow(1));
        assert!(!second.grow(6), "the total");
        assert!(second.grow(5) && !second.grow(usize::MAX));
        drop(first);
        assert!(second.grow(5) && slots.held(&1) == 0 && slots.held(&2) == 10);
        drop(second);
        assert!(slots.taken().0.is_empty(), "no holder is left");
    }
}
