//! Bounded slots: a limit per holder and a limit in total.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Limits on slots.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Per holder.
    pub of_one: usize,
    /// In total.
    pub in_all: usize,
}

/// Slots in use, by holder.
pub struct Places<K: Eq + Hash + Clone> {
    most: Most,
    taken: Mutex<(HashMap<K, usize>, usize)>,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// Creates free slots with these limits.
    pub fn new(most: Most) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { most, taken })
    }

    fn taken(&self) -> MutexGuard<'_, (HashMap<K, usize>, usize)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for `who`; `None` if a limit is reached.
    pub fn take(self: &Arc<Self>, who: K) -> Option<Place<K>> {
        let (by_one, all) = &mut *self.taken();
        let of_one = by_one.get(&who).copied().unwrap_or_default();
        if of_one >= self.most.of_one || *all >= self.most.in_all {
            return None;
        }
        by_one.insert(who.clone(), of_one + 1);
        *all += 1;
        let places = Arc::clone(self);
        Some(Place { places, who })
    }
}

/// A slot, released on drop.
pub struct Place<K: Eq + Hash + Clone> {
    places: Arc<Places<K>>,
    who: K,
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let (by_one, all) = &mut *self.places.taken();
        *all -= 1;
        if let Some(of_one) = by_one.get_mut(&self.who) {
            *of_one -= 1;
            if *of_one == 0 {
                by_one.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted() {
        let places = Places::new(Most { of_one: 2, in_all: 3 });
        let take = |who: u8| places.take(who);
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some());
        assert!(take(1).is_none(), "of one");
        let third = take(2);
        assert!(third.is_some() && take(3).is_none(), "in all");
        drop((first, second));
        assert!(take(3).is_some());
        drop(third);
        assert!(places.taken().0.is_empty(), "nobody is remembered");
    }
}
