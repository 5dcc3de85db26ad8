//! Bounded slots: a limit per holder and a limit in total.

use std::collections::HashMap;
use std::hash::Hash;
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

    /// Slots of a holder.
    pub fn held(&self, holder: &K) -> usize {
        self.taken().0.get(holder).copied().unwrap_or_default()
    }

    /// [`Slots::take`] with a limit of this holder.
    pub fn take_within(self: &Arc<Self>, holder: K, per_holder: usize) -> Option<Slot<K>> {
        let (by_holder, total) = &mut *self.taken();
        let held = by_holder.get(&holder).copied().unwrap_or_default();
        if held >= per_holder || *total >= self.limits.total {
            return None;
        }
        by_holder.insert(holder.clone(), held + 1);
        *total += 1;
        let slots = Arc::clone(self);
        Some(Slot { slots, holder })
    }
}

/// A slot, released on drop.
pub struct Slot<K: Eq + Hash + Clone> {
    slots: Arc<Slots<K>>,
    holder: K,
}

impl<K: Eq + Hash + Clone> Drop for Slot<K> {
    fn drop(&mut self) {
        let (by_holder, total) = &mut *self.slots.taken();
        *total -= 1;
        if let Some(held) = by_holder.get_mut(&self.holder) {
            *held -= 1;
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
}
